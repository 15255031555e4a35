"""How fast a CSV file of deals is read, validated and mapped, and in how much memory.

Run as a script: prints a table and, as its last line, the same numbers as one JSON document. The same rows go
through the csv module alone, through a bare loop over the pydantic model, and through `open_source` and
`mapped`, in one process one after the other, so that the ratios hold on any machine. The peak of memory is
measured in processes of their own, at a tenth of the rows and at all of them: it should be the same, because
reading keeps no row.
"""

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sfsync.core.job import Blank, FieldRule, Section
from sfsync.core.models import Opportunity
from sfsync.core.reading.mapping import mapped
from sfsync.core.reading.rows import SourceRow
from sfsync.core.reading.source_spec import SourceSpec
from sfsync.sources import open_source

ROWS = 1_000_000
COLUMNS = ("deal_id", "name", "stage", "close", "amount", "customer", "owner", "next step")
STAGES = {"New": "Prospecting", "Needs": "Needs Analysis", "Won": "Closed Won", "Lost": "Closed Lost"}
RULES = (
    FieldRule("Sfsync_Key__c", column="deal_id"),
    FieldRule("Name", compose="{name} - {deal_id}"),
    FieldRule("StageName", column="stage", value_map=STAGES),
    FieldRule("CloseDate", column="close", date_format="%d.%m.%Y"),
    FieldRule("Amount", column="amount"),
    FieldRule("AccountId", column="customer", match=("Sfsync_Key__c", "Name")),
    FieldRule("OwnerId", column="owner", match=("Email",)),
    FieldRule("NextStep", column="next step", blank=Blank.NULL),
)


def lines(rows: int) -> Iterator[tuple[str, ...]]:
    """The rows of the file, no two alike."""
    words = tuple(STAGES)
    for number in range(rows):
        yield (
            f"D-{number:07d}",
            f"Sneakers, blue {number % 977}",
            words[number % 4],
            f"{1 + number % 28:02d}.{1 + number % 12:02d}.2027",
            f"{number % 50_000}.{number % 100:02d}",
            f"Müller & Söhne {number % 5_003}",
            f"owner{number % 40}@example.com",
            "" if number % 3 else "call back",
        )


def write(path: Path, rows: int) -> None:
    """Writes the file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(COLUMNS)
        writer.writerows(lines(rows))


def plain_csv(path: Path) -> int:
    """The csv module alone: what no reader in Python can be faster than."""
    with path.open(newline="", encoding="utf-8") as file:
        return sum(1 for _ in csv.reader(file, delimiter=";")) - 1


def bare_pydantic(path: Path) -> int:
    """The csv module and the model's own validation, with nothing said about lines, words or dates."""
    names = ("Sfsync_Key__c", "Name", "StageName", "CloseDate", "Amount", "AccountId", "OwnerId", "NextStep")
    count = 0
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file, delimiter=";")
        next(reader)
        for cells in reader:
            day, month, year = cells[3].split(".")
            cells[3] = f"{year}-{month}-{day}"
            Opportunity.model_validate(dict(zip(names, cells, strict=True)))
            count += 1
    return count


def section_of(path: Path) -> Section:
    """The section that reads the file."""
    source = SourceSpec("csv", path)
    return Section("opportunities", "Opportunity", source, RULES, "Sfsync_Key__c")


def read_only(path: Path) -> int:
    """The rows as sfsync reads them."""
    return sum(1 for _ in open_source(section_of(path)).rows())


def read_and_mapped(path: Path) -> int:
    """The rows as sfsync reads, translates and validates them; none of them may have a problem."""
    section, count = section_of(path), 0
    for row in open_source(section).rows():
        assert isinstance(row, SourceRow)
        if mapped(section, row).problems:
            raise SystemExit(f"line {row.ref.line} has a problem")
        count += 1
    return count


WAYS: dict[str, Callable[[Path], int]] = {
    "csv module": plain_csv,
    "bare pydantic": bare_pydantic,
    "read": read_only,
    "read and mapped": read_and_mapped,
}


def rows_per_second(path: Path, rows: int) -> dict[str, int]:
    """Every way over the same file."""
    found = {}
    for name, way in WAYS.items():
        begun = time.perf_counter()
        if way(path) != rows:
            raise SystemExit(f"{name}: not all rows were read")
        found[name] = round(rows / (time.perf_counter() - begun))
    return found


def peak_mb(rows: int, folder: Path) -> float:
    """The largest memory of a process that reads and maps so many rows, in MB."""
    path = folder / f"{rows}.csv"
    write(path, rows)
    done = subprocess.run(
        [sys.executable, __file__, "--peak", str(path)], capture_output=True, text=True, check=True
    )
    path.unlink()
    return float(done.stdout)


def own_peak_kb() -> int:
    """The largest memory that this process had, in KB.

    Not from getrusage, which counts what the process had before it became this program.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def main() -> None:
    """Measure, and print a table and one JSON line."""
    if sys.argv[1:2] == ["--peak"]:
        read_and_mapped(Path(sys.argv[2]))
        sys.stdout.write(f"{own_peak_kb() / 1024:.1f}\n")
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deals.csv"
        write(path, rows)
        speed = rows_per_second(path, rows)
        path.unlink()
        peak = {str(each): peak_mb(each, Path(folder)) for each in (rows // 10, rows)}
    ratios = {name: round(speed["read and mapped"] / speed[name], 3) for name in WAYS}
    for name, value in speed.items():
        sys.stdout.write(f"{name:<20}{value:>12,} rows/s{ratios[name]:>10.3f} of it when read and mapped\n")
    for count, megabytes in peak.items():
        sys.stdout.write(f"{int(count):>12,} rows{megabytes:>12.1f} MB at most\n")
    document = {
        "benchmark": "reading",
        "rows": rows,
        "rows_per_s": speed,
        "ratio_read_and_mapped_to": ratios,
        "peak_mb": peak,
    }
    sys.stdout.write(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
