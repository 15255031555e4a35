"""What to say of a file that is not written as it was declared: where it breaks, and which setting may be right.

It walks the file again, line by line, which only a failed reading has to pay for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sfsync.sources.text.encoding_choice import SAMPLE_LINES, Reading, likely_readings

_WIDE: Final = ("utf-16", "utf-32", "utf16", "utf32")
_LOOKED_AT: Final = 64
_FEW: Final = 2
"""One NUL alone may be a stray one."""

_PLAIN_HINT: Final = 'Say how the file is written, for example encoding = "cp1252" (Excel on Windows).'


def encoding_advice(path: Path, encoding: str) -> tuple[tuple[int, int] | None, str]:
    """Line and byte (both from 1) of the first byte that is no text, where lines can be told, and a hint."""
    if encoding.lower().replace("_", "-").startswith(_WIDE):
        return (
            None,
            'Say how the file is written: encoding = "utf-16-le" or "utf-16-be" when it has no byte order mark.',
        )
    plain = "utf-8" if encoding == "utf-8-sig" else encoding
    place: tuple[int, int] | None = None
    sample: list[tuple[int, bytes]] = []
    fitting = 0
    for number, line in enumerate(_lines(path), start=1):
        if line.isascii():
            continue
        try:
            line.decode(plain)
            fitting += 1
        except UnicodeDecodeError as error:
            place = place or (number, error.start + 1)
            sample.append((number, line))
        if len(sample) == SAMPLE_LINES:
            break
    if place is None:
        return None, _PLAIN_HINT
    return place, _hint(sample, fitting, plain)


def readings_to_choose(path: Path, encoding: str = "utf-8") -> list[Reading]:
    """The likeliest code pages of a file that is not written as declared; none where no setting can be right."""
    sample: list[bytes] = []
    for line in _lines(path):
        try:
            line.decode(encoding)
        except UnicodeDecodeError:
            sample.append(line)
        else:
            if not line.isascii():
                return []  # two encodings in one file
        if len(sample) == SAMPLE_LINES:
            break
    return likely_readings(sample)[0] if sample else []


def _lines(path: Path) -> Iterator[bytes]:
    """The lines as bytes: Latin-1 gives each byte one character, and text ends lines at CR, LF or both."""
    with path.open(encoding="latin-1", newline="") as text:
        for line in text:
            yield line.encode("latin-1")


def _hint(sample: list[tuple[int, bytes]], fitting: int, encoding: str) -> str:
    readings, shown = likely_readings([line for _, line in sample])
    if not readings:
        return _PLAIN_HINT
    width = max(len(each.encoding) for each in readings)
    places = ", ".join(str(sample[each][0]) for each in shown)
    lines = "Line" if len(shown) == 1 else "Lines"
    said = [
        f"Say how the file is written, in the job or with the option of an import. {lines} {places} would read:"
    ]
    for each in readings:
        setting = f'encoding = "{each.encoding}"'.ljust(width + 13)
        option = f"(--encoding {each.encoding})".ljust(width + 13)
        said.append(f"  {setting} {option} {' | '.join(each.lines)}")
    if fitting:
        lines = "1 line is" if fitting == 1 else f"{fitting:,} lines are"
        said.append(
            f"But {lines} {encoding} and not plain ASCII: were files of two encodings put together? "
            "Then none of these is right."
        )
    return "\n".join(said)


def unmarked_utf_16(start: bytes) -> str | None:
    """The kind of UTF-16 that a file without a byte order mark begins with, seen by its NULs; None = it is none.

    Half of the bytes of Latin text are NUL, always the same half.
    """
    looked_at = start[:_LOOKED_AT]
    first, second = looked_at[0::2].count(0), looked_at[1::2].count(0)
    enough = max(_FEW, len(looked_at) // 4)
    if second >= enough and first == 0:
        return "utf-16-le"
    if first >= enough and second == 0:
        return "utf-16-be"
    return None
