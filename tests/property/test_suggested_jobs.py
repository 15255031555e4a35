"""The job that suggest writes for any file maps each cell to what its writer meant, or says what is undecided."""

from __future__ import annotations

import csv
import io
import tempfile
import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sfsync.app.suggestions import SuggestRequest, suggest
from sfsync.core.reading.dates import read_date
from sfsync.core.reading.mapping import mapped
from sfsync.core.reading.numbers import read_number
from sfsync.core.reading.rows import SourceRow
from sfsync.core.suggesting.job_text import job_text
from sfsync.core.suggesting.questions import Asks, Question, first_question, with_answer
from sfsync.core.suggesting.undecided import open_lines
from sfsync.errors import ConfigError
from sfsync.jobs import load_job
from sfsync.sources import open_source

NUMBERS = {
    "plain": "{:.2f}",
    "en_US": "{:,.2f}",
    "de_DE": "{:,.2f}",
    "whole": "{:.0f}",
    "fr_FR": "{:,.2f}",
}
DATES = {
    "iso": "%Y-%m-%d",
    "D.M.Y": "%d.%m.%Y",
    "D/M/Y": "%d/%m/%Y",
    "M/D/Y": "%m/%d/%Y",
    "timed": "%d.%m.%Y 14:30",
    "short": "%m/%d/%y",
    "Y/M/D": "%Y/%m/%d",
}
HEADERS = [
    ("Deal ID", "Deal Name", "Stage", "Close Date", "Amount"),
    ("key", "opportunity", "dealstage", "Closing Date", "VALUE"),
    ("Nr", "Name", "StageName", "CloseDate", "Amount"),
]
STAGES = ["Prospecting", "closed won", "Qualification", "Lost", "Need Analysis", "Trial"]
MEANT = {
    "closed won": "Closed Won",
    "Lost": "Closed Lost",
    "Need Analysis": "Needs Analysis",
    "Trial": "Qualification",
}
TEXTS = st.text(st.sampled_from("aB9äßé ;,|\"'#=[]{}\\\n"), min_size=1, max_size=12).filter(str.strip)
"""Without signs that cp1252 has at 80 to BF: behind some letters they spell others of UTF-8, and nobody
could tell."""


@dataclass(frozen=True)
class Deal:
    """What the writer of a row meant."""

    name: str
    stage: str
    close: date
    amount: Decimal


DEALS = st.builds(
    Deal,
    TEXTS,
    st.sampled_from(STAGES),
    st.dates(date(2020, 1, 1), date(2040, 12, 31)),
    st.decimals(0, 2_000_000, places=2, allow_nan=False),
)


def number(amount: Decimal, form: str) -> str:
    """The amount as a tool of that locale writes it."""
    text = NUMBERS[form].format(amount)
    if form == "de_DE":
        return text.translate(str.maketrans(",.", ".,"))
    return text.replace(",", " ").replace(".", ",") if form == "fr_FR" else text


def written(deals: list[Deal], header: tuple[str, ...], numbers: str, dates: str, delimiter: str) -> str:
    """The file of a tool."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    for place, deal in enumerate(deals):
        row = (
            f"D{place}",
            deal.name,
            deal.stage,
            deal.close.strftime(DATES[dates]),
            number(deal.amount, numbers),
        )
        writer.writerow(row)
    return text.getvalue()


def reads_number(text: str, form: str, meant: Decimal) -> bool:
    """Whether a locale reads a cell as it was meant."""
    try:
        return read_number(text, form).value == meant
    except ValueError:
        return False


def reads_date(text: str, form: str, meant: date) -> bool:
    """The same of a date."""
    try:
        return read_date(text, form) == meant
    except ValueError:
        return False


def answer(question: Question, deals: list[Deal], numbers: str, dates: str, encoding: str) -> str:
    """What the writer of the file says; of two forms the one that reads every cell as it was meant."""
    if question.asks is Asks.ENCODING:
        return encoding  # three readings are shown; a person may know another one
    if question.about.startswith("what "):
        return MEANT[question.about.removeprefix('what "').partition('"')[0]]
    if question.about.startswith("how the numbers"):
        cells = [(number(each.amount, numbers), each.amount) for each in deals]
        fits = [each for each in question.choices if all(reads_number(t, each, m) for t, m in cells)]
    else:
        texts = [(each.close.strftime(DATES[dates]), each.close) for each in deals]
        fits = [each for each in question.choices if all(reads_date(t, each, m) for t, m in texts)]
    assert fits, question
    return fits[0]


def values(job_file: Path) -> list[dict[str, Any]]:
    """What the job makes of each row; a problem in place of a value is no value."""
    section = load_job(job_file, environ={}).sections["opportunities"]
    rows = [each for each in open_source(section).rows() if isinstance(each, SourceRow)]
    return [dict(mapped(section, each).values) for each in rows]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(DEALS, min_size=1, max_size=6),
    st.sampled_from(HEADERS),
    st.sampled_from(sorted(NUMBERS)),
    st.sampled_from(sorted(DATES)),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]),
)
def test_no_cell_becomes_what_its_writer_did_not_mean(
    deals: list[Deal], header: tuple[str, ...], numbers: str, dates: str, delimiter: str, encoding: str
) -> None:
    """Valid TOML; it loads when nothing is undecided; what is undecided has the right choice; no value is wrong."""
    with tempfile.TemporaryDirectory() as private:
        folder = Path(private)
        text = written(deals, header, numbers, dates, delimiter)
        (folder / "deals.csv").write_bytes(text.encode(encoding))
        job = job_text(suggest(SuggestRequest(deals=folder / "deals.csv", folder=folder)))
        job = job.replace('org = "DECIDE: write the name of an org profile, or give -o ORG"', 'org = "x"')
        key = tomllib.loads(job)["opportunities"]["key"]
        job = "\n".join(
            "row_key = " + repr(header[0]) if key[:20] in each else each for each in job.split("\n")
        )
        job_file = folder / "job.toml"
        job_file.write_text(job, encoding="utf-8")
        if open_lines(tomllib.loads(job)):
            with pytest.raises(ConfigError, match="is undecided"):
                load_job(job_file, environ={})
        while (question := first_question(job)) is not None:
            job = with_answer(job, question, answer(question, deals, numbers, dates, encoding))
        job_file.write_text(job, encoding="utf-8")
        found = values(job_file)
        for deal, row in zip(deals, found, strict=True):
            meant = {
                "Name": deal.name.strip(" \t\r\n\f\v"),
                "StageName": MEANT.get(deal.stage, deal.stage),
                "CloseDate": deal.close,
                "Amount": Decimal(number(deal.amount, "whole")) if numbers == "whole" else deal.amount,
            }
            assert {name: row.get(name, meant[name]) for name in meant} == meant
