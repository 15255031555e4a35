"""Reads that do not depend on each other, made by several threads: the results come in the order asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def side_by_side(reads: Sequence[Callable[[], T]], *, threads: int) -> list[T]:
    """What each read returns, in order; with one thread, or one read, in the caller's own.

    Raises:
        Exception: what the first of them, in order, has raised; those that have not begun by then never do.
    """
    if threads == 1 or len(reads) < 2:
        return [read() for read in reads]
    with ThreadPoolExecutor(min(threads, len(reads)), "read") as pool:
        begun = [pool.submit(read) for read in reads]
        try:
            return [each.result() for each in begun]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
