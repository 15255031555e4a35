"""Takes what programs give as rows and values: mappings, models, dataclasses, named tuples, and frames.

The values of pandas and numpy are known by their types' names, so neither is imported. What marks a missing value
is a blank: None, NaT and NA anywhere, and a float that is not a number in a DataFrame of pandas, which has no other
mark. Anywhere else such a float is the outcome of a computation and a problem of its row.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel

from sfsync.core.models import LocalRecord
from sfsync.core.wording import listed
from sfsync.errors import SourceError
from sfsync.sources.cells import BadRow

_PLAIN: Final = frozenset({str, int, bool, float, Decimal, date, datetime, type(None), dict, list})
_MISSING: Final = frozenset({"NaTType", "NAType"})
_NAN: Final = "Give the DataFrame itself, whose NaN is a blank, or None in its place."


class TakenOnce:
    """Rows of an iterator: they can be taken up once, and a second time is an error, not an empty source."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._rows: Iterator[Any] | None = rows

    def __iter__(self) -> Iterator[Any]:
        """The rows.

        Raises:
            SourceError: they were taken before.
        """
        rows, self._rows = self._rows, None
        if rows is None:
            raise SourceError(
                "the rows given in Python come from an iterator that was read before",
                code="SOURCE_MISSING",
                hint="Make the iterator anew for each plan, or give a list.",
            )
        return rows


def as_given(rows: Any) -> Any:
    """The rows of a job: an iterator is remembered as one."""
    return TakenOnce(rows) if isinstance(rows, Iterator) else rows


def taken(rows: Any) -> Iterator[Any]:
    """Every row as it comes; of a frame, mappings by column.

    Raises:
        SourceError: a frame has two columns of one name, or an iterator was read before.
    """
    module = type(rows).__module__.partition(".")[0]
    if module == "polars" and hasattr(rows, "iter_rows"):
        return iter(rows.iter_rows(named=True))
    if module == "pandas" and hasattr(rows, "itertuples"):
        return _frame(rows)
    return iter(rows)


def _frame(frame: Any) -> Iterator[Mapping[Any, Any]]:
    columns = list(frame.columns)
    twice = sorted({str(each) for each in columns if columns.count(each) > 1})
    if twice:
        message = f"the DataFrame has two columns named {listed(twice)}"
        raise SourceError(message, code="COLUMN_REPEATED", hint="Rename one of them.")
    for values in frame.itertuples(index=False, name=None):
        yield {
            column: None if _is_nan(value) else value for column, value in zip(columns, values, strict=True)
        }


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124 - what alone is not equal to itself


def members_of(row: Any) -> Mapping[Any, Any] | None:
    """The members of a row by column; None where it is no row. A local model is not asked for."""
    if isinstance(row, BaseModel) and not isinstance(row, LocalRecord):
        return row.model_dump(exclude_none=True)
    if isinstance(row, Mapping):
        return row
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return {each.name: getattr(row, each.name) for each in dataclasses.fields(row)}
    if isinstance(row, tuple) and hasattr(row, "_fields"):
        return dict(zip(row._fields, row, strict=True))
    return None


def plain_value(value: Any, column: str) -> Any:
    """A value of pandas or numpy as Python's own; any other as it is.

    Raises:
        BadRow: a moment is finer than any that a program or an org keeps.
    """
    kind = type(value)
    if isinstance(value, float) and _is_nan(value):
        raise BadRow("NOT_A_NUMBER", f'"{column}" is nan, which is no number', _NAN, column=column)
    if kind in _PLAIN:
        return value
    match kind.__module__.partition(".")[0]:
        case "pandas":
            return _of_pandas(value, column)
        case "numpy":
            return _of_numpy(value, column)
    return value


def _of_pandas(value: Any, column: str) -> Any:
    if type(value).__name__ in _MISSING:
        return None
    if not isinstance(value, datetime):
        return value
    if getattr(value, "nanosecond", 0):
        raise _too_fine(column)
    return value.to_pydatetime()  # type: ignore[attr-defined]


def _of_numpy(value: Any, column: str) -> Any:
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if getattr(value, "shape", None) != () or kind not in "biufM":
        return value
    if kind == "M":
        rounded = value.astype("datetime64[us]")
        if rounded != value and rounded == rounded:  # noqa: PLR0124 - NaT is not equal to itself
            raise _too_fine(column)
        is_day = str(value.dtype) == "datetime64[D]"
        return value.item() if is_day else rounded.item()
    if kind == "f" and value == value and abs(value) != float("inf"):  # noqa: PLR0124 - not a number
        return Decimal(str(value))  # the digits that it shows: 0.1 of a float32 is not 0.10000000149
    return value.item()


def _too_fine(column: str) -> BadRow:
    hint = "Round it in the program, as with .dt.floor('s')."
    return BadRow("NOT_A_VALUE", f'"{column}" is finer than a microsecond', hint, column=column)
