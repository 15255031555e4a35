"""Runs floors and peers as processes against the stub, each measured like a case of sfsync.

The peers live in `.bench-venv`, made from this machine's package index the first time; where that cannot be done
or a peer fails, the table has a dash and a footnote with the reason. A loop of creates is run for some hundred
records and extrapolated by records.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from measured_processes import HERE, ROOT, Stub, plain_environ, run

PEERS: Final = ("loop", "collections", "bulk2", "cumulusci")
FLOORS: Final = ("csv", "pydantic", "graphs", "journalled", "collections", "bulk")
PACKAGES: Final = ("simple-salesforce", "cumulusci", "setuptools<81")
_ENVIRONMENT: Final = ROOT / ".bench-venv"
_LOOP_RECORDS: Final = {0: 300, 80: 300, 250: 90}


@dataclass(frozen=True, slots=True)
class PeerRun:
    """One load by a peer. Seconds and megabytes are for all of the records, extrapolated where it says so."""

    name: str
    deals: int
    latency_ms: int
    round: int
    wall_s: float | None = None
    cpu_s: float | None = None
    peak_mb: float | None = None
    calls: int | None = None
    is_extrapolated: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class FloorRun:
    """One pass of a floor: seconds of the pass alone."""

    name: str
    deals: int
    latency_ms: int
    round: int
    wall_s: float
    cpu_s: float
    records: int
    calls: int


def made_environment() -> str:
    """Makes the peers' environment where there is none; the reason why there is none, or ""."""
    if (_ENVIRONMENT / "made").exists():
        return ""
    spec = importlib.util.spec_from_file_location("set_up", ROOT / ".ci" / "set_up.py")
    assert spec is not None
    assert spec.loader is not None
    sys.path.insert(0, str(ROOT / ".ci"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["set_up"] = module
    spec.loader.exec_module(module)
    sys.stderr.write("bench: installing the peers into .bench-venv\n")
    try:
        uv = module.uv_of(ROOT, os.environ)
        python = str(_ENVIRONMENT / "bin" / "python")
        uv.run("venv", "--quiet", "--clear", "--python", sys.executable, str(_ENVIRONMENT), step="make it")
        uv.run("pip", "install", "--quiet", "--python", python, *PACKAGES, step="install the peers")
    except Exception as error:  # noqa: BLE001 - told in the table: a benchmark without peers still measures
        return f"no environment for the peers: {' '.join(str(error).split())[:200]}"
    (_ENVIRONMENT / "made").write_text("\n".join(PACKAGES))
    return ""


def floor(
    name: str, folder: Path, stub: Stub, *, deals: int, latency_ms: int = 0, round_: int = 1
) -> FloorRun:
    """Makes one pass of a floor."""
    stub.reset(store=True)
    stub.set_latency(latency_ms)
    org = [] if name in ("csv", "pydantic") else [stub.url, str(stub.offered["access_token"])]
    command = [sys.executable, str(HERE / "floor_passes.py"), name, str(folder), *org]
    taken = run(command, cwd=HERE, environ=plain_environ(), scratch=folder)
    stub.set_latency(0)
    if taken.exit_code != 0:
        raise SystemExit(f"the floor {name} failed: {taken.err[-2000:]}")
    found = json.loads(taken.out)
    wall, cpu = round(found["wall_s"], 4), round(found["cpu_s"], 4)
    return FloorRun(name, deals, latency_ms, round_, wall, cpu, found["records"], found["calls"])


def peer(name: str, folder: Path, stub: Stub, *, deals: int, latency_ms: int = 0, round_: int = 1) -> PeerRun:
    """Loads by one peer into an empty org."""
    place = {"name": name, "deals": deals, "latency_ms": latency_ms, "round": round_}
    stub.reset(store=True)
    stub.set_latency(latency_ms)
    limit = min(_LOOP_RECORDS.get(latency_ms, 90), 3 * deals)
    script = [str(_ENVIRONMENT / "bin" / "python"), str(HERE / "peer_loads.py"), name, str(folder)]
    command = [
        *script,
        stub.url,
        str(stub.offered["access_token"]),
        *([str(limit)] if name == "loop" else []),
    ]
    taken = run(command, cwd=HERE, environ=plain_environ(), scratch=folder)
    stub.set_latency(0)
    counts = stub.counts()
    if taken.exit_code != 0:
        return PeerRun(**place, note=_last_words(taken.err, counts))
    found = json.loads(taken.out.strip().splitlines()[-1])
    whole = PeerRun(
        **place,
        wall_s=round(taken.wall_s - found.get("left_out_s", 0.0), 3),
        cpu_s=round(taken.cpu_s - found.get("left_out_cpu_s", 0.0), 3),
        peak_mb=round(taken.peak_mb, 1),
        calls=counts["api_calls"],
    )
    if name == "loop":
        return _extrapolated(whole, found, taken.begun, records=3 * deals)
    is_whole = found["records"] == 3 * deals
    return whole if is_whole else PeerRun(**place, note=f"loaded {found['records']} of {3 * deals} records")


def _extrapolated(part: PeerRun, found: dict[str, Any], begun: float, *, records: int) -> PeerRun:
    """The loop for all records: its start once, its records as often as there are."""
    assert part.wall_s is not None
    assert part.cpu_s is not None
    assert part.calls is not None
    times = records / found["records"]
    start_s, start_cpu_s = found["begun"] - begun, found["cpu_before_s"]
    return PeerRun(
        **(
            asdict(part)
            | {
                "wall_s": round(start_s + (part.wall_s - start_s) * times, 3),
                "cpu_s": round(start_cpu_s + (part.cpu_s - start_cpu_s) * times, 3),
                "calls": round(part.calls - found["records"] + records),
                "is_extrapolated": times > 1,
            }
        )
    )


def for_other_size(run_: PeerRun, deals: int) -> PeerRun:
    """A loop's figures for another number of deals: it does the same for each record."""
    factor = deals / run_.deals
    scaled = {
        name: round(value * factor, 3)
        for name in ("wall_s", "cpu_s")
        if (value := getattr(run_, name)) is not None
    }
    calls = None if run_.calls is None else round(run_.calls * factor)
    return PeerRun(**(asdict(run_) | scaled | {"deals": deals, "calls": calls, "is_extrapolated": True}))


def _last_words(err: str, counts: dict[str, Any]) -> str:
    if counts["refused"]:
        return f"the stub does not play {counts['refused'][0][:160]}"
    lines = [line for line in err.strip().splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it failed without a word"
