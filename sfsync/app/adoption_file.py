"""The file in which a person says which records are which rows: written with candidates, read with decisions.

Part of the composition root. A CSV with one line for each candidate; what counts of it when it is read are `adopt`,
`change`, `record_id` and `modified`, the rest is for the eye. Invariant: a record goes to one row and a row to one
record, or the whole file is refused.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from sfsync.app.run_files import write_private
from sfsync.core.deals.adoption_pairs import Standing
from sfsync.core.sobject import OPPORTUNITY, record_id
from sfsync.core.values import parse_boolean, parse_datetime, trimmed
from sfsync.engine.planning.adopting import Confirmed, Listing
from sfsync.errors import ConfigError
from sfsync.report.safe_text import unformulated

DECISIVE: Final = ("adopt", "change", "record_id", "modified")
COLUMNS: Final = (
    *("adopt", "score", "standing", "row_name", "record_name", "reasons"),
    *("amount", "close_date", "stage", "file", "line"),
    *("change", "record_id", "modified"),
)


def candidate_rows(listing: Listing) -> list[dict[str, str]]:
    """The candidates as cells by column, best first; `adopt` is empty, for a person to fill in."""
    rows = []
    for each in listing.candidates:
        row, record = listing.rows[each.pair.change_id], listing.records[each.pair.record_id]
        rows.append(
            {
                "adopt": "",
                "score": f"{each.pair.score.value:.2f}",
                "standing": each.standing.value,
                "row_name": row.label,
                "record_name": str(record.get("Name") or ""),
                "reasons": ", ".join(each.pair.score.reasons),
                "amount": _shown(record.get("Amount")),
                "close_date": _shown(record.get("CloseDate")),
                "stage": _shown(record.get("StageName")),
                "file": row.row.file if row.row else "",
                "line": str(row.row.line) if row.row else "",
                "change": each.pair.change_id,
                "record_id": each.pair.record_id,
                "modified": modified_of(record.get("LastModifiedDate")),
            }
        )
    return rows


def modified_of(raw: object) -> str:
    """A time of the org as it stands in the file: UTC, to the second; "" where this user does not see it."""
    return parse_datetime(str(raw)).isoformat() if raw else ""


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def write_candidates(listing: Listing, path: Path) -> None:
    """Writes the file; only its owner can read it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in candidate_rows(listing):
        writer.writerow([row[name] if name == "change" else unformulated(row[name]) for name in COLUMNS])
    write_private(path, text.getvalue().encode("utf-8", "backslashreplace"))


def read_confirmed(path: Path) -> list[Confirmed]:
    """The pairs whose `adopt` says yes.

    Raises:
        ConfigError: the file cannot be read as one, or its decisions contradict each other; all lines are named.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in DECISIVE if name not in (reader.fieldnames or ())]
            if missing:
                raise _refusal(path, [f"the column {name} is missing" for name in missing])
            lines = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _refusal(path, [f"cannot be read: {getattr(error, 'strerror', None) or error}"]) from None
    mistakes: list[str] = []
    found = [each for line, row in lines if (each := _confirmed(line, row, mistakes)) is not None]
    mistakes += list(contradictions([each for _, each in found], [line for line, _ in found]))
    if mistakes:
        raise _refusal(path, mistakes)
    return [each for _, each in found]


def _confirmed(line: int, row: Mapping[str, str | None], mistakes: list[str]) -> tuple[int, Confirmed] | None:
    cells = {name: trimmed(row.get(name) or "") for name in DECISIVE}
    if not cells["adopt"]:
        return None
    wrong = "adopt is neither yes nor no"
    try:
        if not parse_boolean(cells["adopt"]):
            return None
        wrong = "modified is no time with an offset, as it was written"
        modified = parse_datetime(cells["modified"]) if cells["modified"] else None
    except ValueError:
        mistakes.append(f"line {line}: {wrong}")
        return None
    full_id = record_id(cells["record_id"], OPPORTUNITY)
    if full_id is None or not cells["change"]:
        mistakes.append(f"line {line}: record_id is no id of a deal, or the change is missing")
        return None
    return line, Confirmed(row.get("change") or "", full_id, modified)


def contradictions(confirmed: Iterable[Confirmed], lines: Iterable[int]) -> Iterable[str]:
    """One sentence for each record that several rows are to be, and each row that is to be several records."""
    pairs = list(zip(confirmed, lines, strict=True))
    records = Counter(each.record_id for each, _ in pairs)
    rows = Counter(each.change_id for each, _ in pairs)
    for name, times in (*records.items(), *rows.items()):
        if times > 1:
            where = ", ".join(str(line) for each, line in pairs if name in (each.record_id, each.change_id))
            what = "record goes to several rows" if name in records else "row gets several records"
            yield f"lines {where}: one {what} ({name})"


def _refusal(path: Path, mistakes: Iterable[str]) -> ConfigError:
    return ConfigError(
        "\n".join(f"{path}: {each}" for each in mistakes),
        code="BAD_ADOPTION_FILE",
        hint="Nothing was adopted. Say yes at one line of each row and each record, then confirm the file again.",
    )


def confirmed_of(row: Mapping[str, str]) -> Confirmed:
    """A candidate, as cells, that a person has said yes to."""
    modified = parse_datetime(row["modified"]) if row["modified"] else None
    return Confirmed(row["change"], row["record_id"], modified)


def is_match(row: Mapping[str, str]) -> bool:
    """Whether a candidate is the only best one, so that a person can be asked about it alone."""
    return row["standing"] == Standing.MATCH.value
