"""How often Python looks for garbage while a plan is made or written.

A plan is hundreds of thousands of values that stay until its end and hold no circles, so that the usual search
after every 700 new ones finds nothing, a sixth of the time of a run. Here it comes seldom, and what an import
brought is not looked at again. Counted references free everything else at once, as always.
Source: Python, `gc.set_threshold`, `gc.freeze`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_SELDOM: Final = (20_000, 20, 20)


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Searches for garbage seldom while the block runs; afterwards as before. What the caller set is kept to."""
    before, is_free = gc.get_threshold(), gc.get_freeze_count() == 0
    if before[0] == 0 or before[0] > _SELDOM[0]:
        yield
        return
    if is_free:
        gc.freeze()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if is_free:
            gc.unfreeze()
