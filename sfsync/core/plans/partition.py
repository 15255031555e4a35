"""The share of a job that one process of several works on: which rows are its own, and which job can be shared out.

Deals go by the text that names their account, so that no two processes write deals of one account, which the
platform locks; roles go with their deal. What deals and roles refer to comes first: the accounts and contacts of a
job are partition 0, and the deals and roles are shared out among the others.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from sfsync.errors import ConfigError

MOST: Final = 64
"""More processes than any org lets work side by side."""

_SPELLED: Final = re.compile(r"([0-9]{1,3})/([0-9]{1,3})")


@dataclass(frozen=True, slots=True)
class Partition:
    """Number `number` of `of` shares of the deals; number 0 is what deals and roles refer to."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def is_parents(self) -> bool:
        """Whether it is the accounts and contacts."""
        return self.number == 0

    def takes(self, text: str) -> bool:
        """Whether what is named by the text is its own; of all shares one says so."""
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest) % self.of == self.number - 1


def read_partition(text: str) -> Partition:
    """The partition that `2/4` spells.

    Raises:
        ConfigError: it spells none.
    """
    found = _SPELLED.fullmatch(text)
    if found is not None:
        number, of = int(found[1]), int(found[2])
        if 1 <= of <= MOST and number <= of:
            return Partition(number, of)
    raise ConfigError(
        f'"{text}" is no partition',
        code="BAD_PARTITION",
        hint=f"Give it as 2/4, the second of four (at most {MOST}); 0/4 are accounts and contacts, which go first.",
    )
