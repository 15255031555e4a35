"""What a generated file is, and what is known of it: every kind of bad file writes one of these by its seed.

A kind is a function of a seeded draw. It knows what it writes, so it says which rows are there, which of them are
good and what their cells are, or by which error the file has to be refused. A new kind is a function with `@kind`
in one of the `..._kinds` modules; a new module of kinds is named in `all_kinds`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

COLUMNS: Final = ("id", "name", "stage", "close", "amount", "note")
ANY: Final = "*"
"""Stands for every error of ours, in `Written.refusals`."""

_STAGES: Final = ("Prospecting", "Qualification", "Closed Won")
_PIECES: Final = (
    *("Ten Laces", "Zoë", "Müller & Söhne", 'a "b" c', "1,5;2|3", "x\ty", " blank ", "=1+1", "-", "'q", "#"),
    *(
        "\u202eabc\u202c",
        "👩‍👧 😀",
        "日本語",
        "\u00a0",
        "sep=;",
        "a\nb",
        "a\r\nb",
        "0042",
        "1e5",
        "true",
        "null",
    ),
)
_SAFE: Final = tuple(each for each in _PIECES if each.isascii() and "\n" not in each)


@dataclass(frozen=True, slots=True)
class Row:
    """One row that is there: its cells as text (None: the row cannot be read), and what becomes of it.

    `codes` are the problems that it may end in; none means that it has to be good, None that it is not said.
    `values` are typed values that the row has to have then.
    """

    cells: Mapping[str, str] | None
    line: int | None = None
    codes: frozenset[str] | None = frozenset()
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """A file, the job that reads it, and what is known of it.

    `rows` None means that only the account is judged: `count` says how many rows there are when the file is read.
    `refusals` are the codes by which the file may be refused as a whole, `must_refuse` says that it has to be, and
    `line` which line the refusal has to name. With `same_digits` an Amount that is taken has the digits of its
    cell. With a `query` the file is a SQLite database. `section` and `rules` are further TOML of the job.
    """

    name: str
    content: bytes
    rows: tuple[Row, ...] | None = None
    refusals: frozenset[str] = frozenset()
    must_refuse: bool = False
    line: int | None = None
    count: int | None = None
    query: str = ""
    section: str = ""
    same_digits: bool = False
    rules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draw:
    """The draw of one kind and seed, and how many rows it should write."""

    random: random.Random
    size: int

    def __call__(self, *choices: object) -> object:
        """One of these."""
        return self.random.choice(choices)

    def word(self, *choices: str) -> str:
        """One of these words."""
        return self.random.choice(choices)

    def below(self, end: int) -> int:
        """A number from 0, below the end."""
        return self.random.randrange(end)


Kind = Callable[[Draw], Written]
KINDS: Final[dict[str, Kind]] = {}


def kind(make: Kind) -> Kind:
    """Makes a function a kind, by its name."""
    name = make.__name__.strip("_")
    assert name not in KINDS, name
    KINDS[name] = make
    return make


def draw_of(name: str, seed: int, *, large: int = 6_000) -> Draw:
    """The draw of a kind and a seed; every tenth seed writes many rows."""
    chosen = random.Random(f"{name}:{seed}")
    return Draw(chosen, chosen.randrange(1, 60) if seed % 10 else chosen.randrange(large // 2, large + 1))


def refused(name: str, content: bytes, *codes: str, line: int | None = None, section: str = "") -> Written:
    """A file that has to be refused as a whole, by one of these codes."""
    return Written(name, content, refusals=frozenset(codes), must_refuse=True, line=line, section=section)


def deals(draw: Draw, *, pieces: Sequence[str] = _PIECES, count: int | None = None) -> list[Row]:
    """Rows of deals without lines, one in six of which has a bad amount."""
    found = []
    for number in range(draw.size if count is None else count):
        day = date(2026, 1, 1) + timedelta(days=draw.below(900))
        amount = Decimal(draw.below(10**9)).scaleb(-2)
        is_bad = draw.below(6) == 0
        cells = {
            "id": f"D-{number}",
            "name": f"n{draw.word(*pieces)}",
            "stage": draw.word(*_STAGES),
            "close": day.isoformat(),
            "amount": draw.word("n/a", "1,234.50", "--1", "1e3", "NaN") if is_bad else str(amount),
            "note": draw.word("", *pieces),
        }
        codes = frozenset({"BAD_VALUE", "BAD_NUMBER"}) if is_bad else frozenset()
        values = {"CloseDate": day} if is_bad else {"CloseDate": day, "Amount": amount}
        found.append(Row(cells, None, codes, values))
    return found


def ascii_deals(draw: Draw, *, count: int | None = None) -> list[Row]:
    """Rows of deals in ASCII, each on one line."""
    return deals(draw, pieces=_SAFE, count=count)


def quoted(cell: str, delimiter: str) -> str:
    """A cell as RFC 4180 has it."""
    if any(each in cell for each in f'{delimiter}"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def line_of(cells: Iterable[str], delimiter: str = ",", end: str = "\n") -> str:
    """One record with its end."""
    return delimiter.join(quoted(each, delimiter) for each in cells) + end


def breaks(text: str) -> int:
    """How many lines end in a text."""
    return text.count("\n") + text.count("\r") - text.count("\r\n")


def table(
    rows: Sequence[Row], *, delimiter: str = ",", end: str = "\n", before: str = ""
) -> tuple[str, list[Row]]:
    """A delimited text of these rows, and the rows with their lines."""
    header = before + line_of(COLUMNS, delimiter, end)
    parts, line, placed = [header], 1 + breaks(header), []
    for row in rows:
        assert row.cells is not None
        text = line_of((row.cells[each] for each in COLUMNS), delimiter, end)
        placed.append(Row(row.cells, line, row.codes, row.values))
        parts.append(text)
        line += breaks(text)
    return "".join(parts), placed


def good_table(draw: Draw, rows: Sequence[Row] | None = None, **form: str) -> Written:
    """A delimited file without a fault in its form."""
    text, placed = table(deals(draw) if rows is None else rows, **form)
    return Written("deals.csv", text.encode(), tuple(placed))
