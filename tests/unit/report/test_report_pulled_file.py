"""The file of pulled deals: exact numbers, whole or not at all, and read back as it was written."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sfsync.core.pull import COLUMNS, PulledDeal
from sfsync.report.files.pulled_file import NewFile, digest_of, kept_rows, row_text

FORMS = pytest.mark.parametrize("form", ["csv", "jsonl"])


def a_deal(found: str, **values: Any) -> PulledDeal:
    """A deal with those values."""
    all_values = dict.fromkeys(COLUMNS) | {"Id": found, "Key": "K", "IsDeleted": False, "Roles": []} | values
    return PulledDeal(found, all_values)


def written(path: Path, form: str, *deals: PulledDeal) -> str:
    """Writes a file; its digest."""
    with NewFile(path, form) as new:
        for each in deals:
            new.write(row_text(each, form))
        new.keep()
        return new.digest


@FORMS
def test_rows_come_back_as_they_were_written(tmp_path: Path, form: str) -> None:
    """Also with quotes, delimiters, line ends and formulas in their texts."""
    deals = [a_deal("006A", Name='a,"b"\r\nc'), a_deal("006B", Name="=1+1", Amount=Decimal("-5.10"))]
    path = tmp_path / "deals"
    digest = written(path, form, *deals)
    assert list(kept_rows(path, form)) == [(each.record_id, row_text(each, form)) for each in deals]
    assert digest_of(path) == digest


def test_numbers_are_exact_in_json_lines() -> None:
    """An amount of eighteen digits keeps all of them."""
    amount = Decimal("1234567890123456.78")
    text = row_text(a_deal("006A", Amount=amount), "jsonl")
    assert json.loads(text, parse_float=Decimal)["Amount"] == amount


@FORMS
def test_without_keep_the_old_file_stays_and_nothing_is_left(tmp_path: Path, form: str) -> None:
    """A file in the making leaves no trace when it is given up."""
    path = tmp_path / "deals"
    path.write_text("old")
    with NewFile(path, form) as new:
        new.write(row_text(a_deal("006A"), form))
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])
    assert digest_of(tmp_path / "none") == ""
