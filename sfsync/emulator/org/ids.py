"""Record ids: 15 characters, a checksum of three, prefixes and the counting of new ones.

Ids are compared in their 18-character form everywhere in the emulator.
Source: Object Reference, ID Field Type; checksum verified on recorded ids [R].
"""

import re
from functools import lru_cache
from typing import Final

_CHECK: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE: Final = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
MASTER_RECORD_TYPE: Final = "012000000000000AAA"
_IDS_OF_A_START: Final = 62**4
"""An org that comes back from its database begins here, so that no id of its last life means something else:
records that are gone for good, and jobs and cursors, which were never stored."""


def with_checksum(short: str) -> str:
    """Return the 18-character form of a 15-character id."""
    return short + _check_of(short[:5]) + _check_of(short[5:10]) + _check_of(short[10:])


@lru_cache(maxsize=4096)
def _check_of(group: str) -> str:
    """Return the character that tells which of five are upper case."""
    return _CHECK[sum(1 << place for place, char in enumerate(group) if "A" <= char <= "Z")]


def normalised(text: str) -> str | None:
    """Return the 18-character form of a 15- or 18-character id, or None if it cannot be one."""
    if not _SHAPE.fullmatch(text):
        return None
    full = with_checksum(text[:15])
    return full if len(text) == 15 or text == full else None


def in_base62(number: int, width: int) -> str:
    """Return a number in the alphabet of ids, whose order is the order of the numbers."""
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return digits.rjust(width, "0")


def first_number(starts: int) -> int:
    """Return the number after which to count in an org whose database was opened so often before."""
    return starts * _IDS_OF_A_START


class IdSequence:
    """Hands out the ids of one object, in rising order."""

    def __init__(self, prefix: str, pod: str, last: str | None = None, *, starts: int = 0) -> None:
        self._stem = prefix + pod
        self._width = 15 - len(self._stem)
        highest = 0 if last is None else _number(last[len(self._stem) : 15])
        self._number = max(highest, first_number(starts))

    def next_id(self) -> str:
        """Return an id never handed out before."""
        self._number += 1
        return with_checksum(self._stem + in_base62(self._number, self._width))


def _number(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 62 + _DIGITS.index(digit)
    return value
