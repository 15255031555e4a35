"""Rejects go round: three broken rows of ten come back as written, are corrected and imported by the same job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import warm_sfsync
from deal_desk import DealDesk, deal_desk, row

BROKEN = (2, 5, 9)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """An org without deals of ours, and a job that reads deals.csv."""
    with deal_desk(tmp_path) as made:
        made.write(row())
        yield made


def typed(desk: DealDesk, *words: str) -> dict[str, Any]:
    """The document of a command."""
    return warm_sfsync(*words, "--json", "--yes", environ=desk.environ, cwd=desk.folder).document


def counted(document: dict[str, Any]) -> dict[str, int]:
    """The counts of deals that are not zero."""
    return {name: count for name, count in document["counts"]["Opportunity"].items() if count}


def go_round(desk: DealDesk, wrong: str, right: str, encoding: str = "utf-8") -> str:
    """Runs the job, corrects its rejects, imports them twice; returns the rejects as they were written."""
    first = typed(desk, "run", desk.job)
    assert counted(first) == {"rows": 10, "created": 7, "rejected": 3}
    rejects = Path(first["files"]["rejects"])
    written = rejects.read_bytes().decode(encoding)
    assert written.count(wrong) >= len(BROKEN)
    rejects.write_bytes(written.replace(wrong, right).encode(encoding))
    assert counted(typed(desk, "import", str(rejects), "--job", desk.job)) == {"rows": 3, "created": 3}
    assert counted(typed(desk, "import", str(rejects), "--job", desk.job)) == {"rows": 3, "unchanged": 3}
    return written


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16-le"])
def test_three_rows_of_a_delimited_file_come_back_in_their_quotes(desk: DealDesk, encoding: str) -> None:
    """With the sep= line, the delimiter, the encoding and the line ends of the file."""
    job = Path(desk.job)
    option = f'encoding = "{encoding.removesuffix("-sig")}"'
    job.write_text(job.read_text().replace("[opportunities]\n", f"[opportunities]\n{option}\n"))
    amounts = {number: "many" if number in BROKEN else "5.00" for number in range(10)}
    lines = [f'"D-{at}";"=M\u00fcller";Prospecting;2027-01-31;{amount}' for at, amount in amounts.items()]
    content = "\r\n".join(["sep=;", "id;name;stage;close; amount ", *lines, ""])
    (desk.folder / "deals.csv").write_bytes(content.encode(encoding))
    written = go_round(desk, ";many;", ";5.00;", encoding)
    assert written.startswith("sep=;\r\nid;name;stage;close; amount ;_sfsync_outcome;")
    assert [each.partition(";rejected;")[0] for each in written.splitlines()[2:]] == [
        lines[at] for at in BROKEN
    ]


@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_three_documents_come_back_as_json_lines(desk: DealDesk, kind: str) -> None:
    """Each token as it was written."""
    rows = [row(f"D-{at}", amount="many" if at in BROKEN else "5.00") for at in range(10)]
    text = json.dumps(rows) if kind == "json" else "\n".join(map(json.dumps, rows))
    (desk.folder / f"deals.{kind}").write_text(text)
    job = Path(desk.job)
    job.write_text(job.read_text().replace("deals.csv", f"deals.{kind}"))
    written = go_round(desk, '"many"', "5.00")
    assert [json.loads(line) for line in written.splitlines()] == [rows[at] for at in BROKEN]
