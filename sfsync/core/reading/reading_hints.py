"""What the texts of a column could be: which number locales and forms of dates read all of them, and what decides.

For whoever writes a job: the verdict names the two lines that prove it, or that leave it open. Texts are fed one by
one, in the order of the file; what is kept does not grow with them, and the same texts give the same verdict.
Nothing here decides for a job: a column that two forms read differently is ambiguous, however likely one is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sfsync.core.reading.dates import FORM_NAMES, read_date
from sfsync.core.reading.numbers import PLAIN, read_number
from sfsync.core.sobject import checksum
from sfsync.core.values import canonical, parse_boolean, trimmed

NUMBER_NAMES: Final = (PLAIN, "en_US", "de_DE", "fr_FR", "de_CH", "en_IN")
"""The locales that are tried, one for each way to write numbers that files really have; the plainest first."""

DATE_NAMES: Final = (*FORM_NAMES, "D MMM Y en_US", "MMM D Y en_US", "D MMM Y de_DE", "D MMM Y fr_FR")

LIKELY_SERIALS: Final = range(20_000, 80_000)
"""Excel's days of the years 1954 to 2119; other whole numbers are hardly meant as days."""

_PATIENCE: Final = 100
"""After so many texts, a form that has read none of them is not tried any more: it saves time in text columns."""

_LONGEST: Final = 60
_EMAIL: Final = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}")
_ID: Final = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")


class Standing(StrEnum):
    """How sure a verdict is.

    DECIDED: one reading of all texts. AMBIGUOUS: several, which differ. MIXED: no form reads all texts, but some
    do some. NONE: no form reads any. EMPTY: there were no texts.
    """

    DECIDED = "decided"
    AMBIGUOUS = "ambiguous"
    MIXED = "mixed"
    NONE = "none"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Sample:
    """One text of the column and its line in the file."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """How one form fared: how many texts it reads, and the first that it does not."""

    name: str
    fits: int
    misfit: Sample | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the texts say together.

    `name` is what to declare where it is decided, and of mixed columns the form that reads most; else "". `rivals`
    has the forms that read all texts, one for each different reading. `evidence` has at most two lines: where it is
    decided, the first text and the one that disproves the nearest rival; where it is ambiguous, the two that were
    looked at; where it is mixed, the first that is read and the first that is not. `disproved` has the forms that
    read some texts and not all, the nearest first.
    """

    standing: Standing
    name: str = ""
    rivals: tuple[Reading, ...] = ()
    evidence: tuple[Sample, ...] = ()
    disproved: tuple[Reading, ...] = ()
    count: int = 0

    @property
    def sentence(self) -> str:
        """The verdict for a person, with the lines."""
        lines = " and ".join(f'line {each.line} "{each.text}"' for each in self.evidence)
        match self.standing:
            case Standing.DECIDED if self.disproved and self.disproved[0].misfit:
                rival, proof = self.disproved[0].name, self.disproved[0].misfit
                return f'{self.name}: line {proof.line} "{proof.text}" disproves {rival}'
            case Standing.DECIDED:
                return f"{self.name}: nothing else reads {lines}"
            case Standing.AMBIGUOUS:
                names = " and ".join(each.name for each in self.rivals)
                return f"nothing decides between {names}: looked at {lines}"
            case Standing.MIXED:
                last, fits = self.evidence[-1], self.rivals[0].fits
                return f'{self.name} reads {fits} of {self.count}: not line {last.line} "{last.text}"'
            case Standing.NONE:
                return f"nothing reads {lines}"
        return "there is nothing to read"


@dataclass(slots=True)
class _Candidate:
    name: str
    fits: int = 0
    first: Sample | None = None
    misfit: Sample | None = None
    likeness: int = 0

    @property
    def reading(self) -> Reading:
        return Reading(self.name, self.fits, self.misfit)


@dataclass(slots=True)
class _Evidence:
    """Feeds each text to all forms; forms with the same `likeness` have read every text alike so far."""

    read: Callable[[str, str], Hashable]
    candidates: list[_Candidate]
    count: int = 0
    first: Sample | None = None
    second: Sample | None = None

    def add(self, line: int, text: str) -> None:
        text = trimmed(text)
        if text == "":
            return
        self.count += 1
        sample = Sample(line, text[:_LONGEST])
        if self.first is None:
            self.first = sample
        elif self.second is None and sample.text != self.first.text:
            self.second = sample
        likeness: dict[tuple[int, Hashable], int] = {}
        for each in self.candidates:
            if each.fits == 0 and self.count > _PATIENCE:
                continue
            try:
                value = self.read(text, each.name)
            except ValueError:
                each.misfit = each.misfit or sample
                continue
            each.fits += 1
            each.first = each.first or sample
            each.likeness = likeness.setdefault((each.likeness, value), len(likeness))

    def verdict(self) -> Verdict:
        if self.first is None:
            return Verdict(Standing.EMPTY)
        whole = [each for each in self.candidates if each.misfit is None]
        partly = sorted(
            (each for each in self.candidates if each.misfit and each.fits), key=lambda e: -e.fits
        )
        disproved = tuple(each.reading for each in partly)
        looked_at = tuple(each for each in (self.first, self.second) if each)
        distinct = {each.likeness: each for each in reversed(whole)}
        rivals = tuple(each.reading for each in whole if distinct[each.likeness] is each)
        if len(rivals) > 1:
            return Verdict(Standing.AMBIGUOUS, "", rivals, looked_at, disproved, self.count)
        if rivals:
            proof = _two(self.first, partly[0].misfit if partly else self.second)
            return Verdict(Standing.DECIDED, rivals[0].name, rivals, proof, disproved, self.count)
        if partly:
            best = partly[0]
            two = _two(best.first or self.first, best.misfit)
            return Verdict(Standing.MIXED, best.name, (best.reading,), two, disproved, self.count)
        return Verdict(Standing.NONE, "", (), looked_at, (), self.count)


def _two(first: Sample, second: Sample | None) -> tuple[Sample, ...]:
    return (first,) if second is None or second == first else (first, second)


def _number(text: str, name: str) -> Hashable:
    return canonical(read_number(text, name).value)


def _day(text: str, name: str) -> Hashable:
    if "MMM" in name and not any(each.isalpha() for each in text):
        raise ValueError("no month in words")
    day = read_date(text, name)
    if name.startswith("excel-serial") and int(text.partition(".")[0]) not in LIKELY_SERIALS:
        raise ValueError("hardly a day")
    return day


class NumberEvidence:
    """Which locales read a column's texts as numbers."""

    def __init__(self, names: Sequence[str] = NUMBER_NAMES) -> None:
        self._evidence = _Evidence(_number, [_Candidate(each) for each in names])

    def add(self, line: int, text: str) -> None:
        """Takes the next text of the column; blanks say nothing."""
        self._evidence.add(line, text)

    def verdict(self) -> Verdict:
        """What the texts so far say."""
        return self._evidence.verdict()


class DateEvidence:
    """Which forms and orders read a column's texts as dates."""

    def __init__(self, names: Sequence[str] = DATE_NAMES) -> None:
        self._evidence = _Evidence(_day, [_Candidate(each) for each in names])

    def add(self, line: int, text: str) -> None:
        """Takes the next text of the column; blanks say nothing."""
        self._evidence.add(line, text)

    def verdict(self) -> Verdict:
        """What the texts so far say."""
        return self._evidence.verdict()


class Kind(StrEnum):
    """What the texts of a column are, from the most special to the most general."""

    EMPTY = "empty"
    EMAIL = "e-mail"
    RECORD_ID = "record id"
    NUMBER = "number"
    DATE = "date"
    BOOLEAN = "boolean"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ColumnVerdict:
    """What a column is. `exceptions` are the first texts that keep it from being what most of its texts are."""

    kind: Kind
    count: int
    numbers: Verdict
    dates: Verdict
    likely: Kind = Kind.TEXT
    exceptions: tuple[Sample, ...] = ()


@dataclass(slots=True)
class ColumnEvidence:
    """All that can be told of a column: feed it with `add`, ask it with `verdict`.

    Whole numbers are numbers, also where they could be Excel's days or epoch times; `dates` of the verdict says so.
    """

    numbers: NumberEvidence = field(default_factory=NumberEvidence)
    dates: DateEvidence = field(default_factory=DateEvidence)
    _counts: dict[Kind, int] = field(default_factory=dict)
    _misfits: dict[Kind, Sample] = field(default_factory=dict)
    _count: int = 0

    def add(self, line: int, text: str) -> None:
        """Takes the next text of the column; blanks say nothing."""
        text = trimmed(text)
        if text == "":
            return
        self._count += 1
        self.numbers.add(line, text)
        self.dates.add(line, text)
        for kind, fits in _SPECIAL.items():
            if fits(text):
                self._counts[kind] = self._counts.get(kind, 0) + 1
            else:
                self._misfits.setdefault(kind, Sample(line, text[:_LONGEST]))

    def verdict(self) -> ColumnVerdict:
        """What the texts so far say."""
        numbers, dates = self.numbers.verdict(), self.dates.verdict()
        if self._count == 0:
            return ColumnVerdict(Kind.EMPTY, 0, numbers, dates, Kind.EMPTY)
        fits = dict(self._counts)
        misfits = dict(self._misfits)
        for kind, verdict in ((Kind.NUMBER, numbers), (Kind.DATE, dates)):
            best = (verdict.rivals or verdict.disproved or (Reading("", 0),))[0]
            fits[kind] = best.fits
            if best.misfit is not None:
                misfits[kind] = best.misfit
        order = [each for each in Kind if each not in (Kind.EMPTY, Kind.TEXT)]
        likely = max(order, key=lambda each: (fits.get(each, 0), -order.index(each)))
        if fits.get(likely, 0) == self._count:
            return ColumnVerdict(likely, self._count, numbers, dates, likely)
        if fits.get(likely, 0) * 2 <= self._count:
            return ColumnVerdict(Kind.TEXT, self._count, numbers, dates)
        exceptions = (misfits[likely],) if likely in misfits else ()
        return ColumnVerdict(Kind.TEXT, self._count, numbers, dates, likely, exceptions)


def _is_boolean(text: str) -> bool:
    try:
        parse_boolean(text)
    except ValueError:
        return False
    return not text.isdigit()


def _is_record_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None and (len(text) == 15 or checksum(text[:15]) == text[15:])


_SPECIAL: Final[dict[Kind, Callable[[str], bool]]] = {
    Kind.EMAIL: lambda text: _EMAIL.fullmatch(text) is not None,
    Kind.RECORD_ID: _is_record_id,
    Kind.BOOLEAN: _is_boolean,
}
