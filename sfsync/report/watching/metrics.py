"""A run as metrics in Prometheus' text format, for node_exporter's textfile collector.

Pure: numbers in, text out. Each metric has the job as a label, so that the files of several jobs stand side by
side. What is not known is left out, never 0. Source: Prometheus, "Exposition formats" (HELP and TYPE lines; in a
label value backslash, quote and line feed are escaped); node_exporter, "Textfile Collector" (no timestamps).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from sfsync.core.reports.report import Report
from sfsync.core.reports.results import COUNTED
from sfsync.core.reports.run_ending import RunEnding
from sfsync.report.document import report_counts


@dataclass(frozen=True, slots=True)
class RunMoments:
    """The moments of a run that are measured; seconds, moments in seconds since 1970.

    `last_success` is None where no run of the job but undos has ended with 0, `oldest_open_s` None where the
    journal could not be read; it is 0 where nothing is open.
    """

    ended: float
    seconds: float
    last_success: float | None = None
    oldest_open_s: float | None = None


_HELP: Final[Mapping[str, str]] = {
    "sfsync_run_exit_code": "Exit code of the job's last run.",
    "sfsync_run_end_time_seconds": "When the job's last run ended.",
    "sfsync_run_duration_seconds": "How long the job's last run took.",
    "sfsync_run_rows": "Rows of the job's last run by sObject and outcome; each row is in one.",
    "sfsync_run_api_calls": "API calls of the job's last run by kind, planning included.",
    "sfsync_run_api_calls_predicted": "API calls that applying the last plan was predicted to take.",
    "sfsync_run_api_calls_applied": "API calls that applying the last plan took.",
    "sfsync_run_api_retries": "Calls of the job's last run that were sent again.",
    "sfsync_org_api_calls_used": "API calls that the org has used in 24 hours, by its own estimate.",
    "sfsync_org_api_calls_allowed": "API calls that the org may use in 24 hours.",
    "sfsync_last_success_time_seconds": "When a run of the job last ended with exit code 0; an undo is none.",
    "sfsync_journal_oldest_open_change_seconds": "Age of the job's oldest change that is open; 0: none is.",
}

Sample = tuple[str, Mapping[str, str], float]


def metrics_text(ending: RunEnding, moments: RunMoments, report: Report | None) -> str:
    """The whole file."""
    of_job = {"job": ending.job, "org": ending.org} | ({"partition": ending.share} if ending.share else {})
    samples = [*_of_end(ending, moments), *(_of_report(report) if report else ())]
    lines: list[str] = []
    for name, text in _HELP.items():
        own = [(labels, value) for each, labels, value in samples if each == name]
        if own:
            lines += [f"# HELP {name} {text}", f"# TYPE {name} gauge"]
            lines += [f"{name}{{{_labels(of_job | dict(labels))}}} {_number(value)}" for labels, value in own]
    return "\n".join(lines) + "\n"


def _of_end(ending: RunEnding, moments: RunMoments) -> Iterator[Sample]:
    yield "sfsync_run_exit_code", {}, ending.exit_code
    yield "sfsync_run_end_time_seconds", {}, moments.ended
    yield "sfsync_run_duration_seconds", {}, moments.seconds
    if moments.last_success is not None:
        yield "sfsync_last_success_time_seconds", {}, moments.last_success
    if moments.oldest_open_s is not None:
        yield "sfsync_journal_oldest_open_change_seconds", {}, moments.oldest_open_s


def _of_report(report: Report) -> Iterator[Sample]:
    usage = report.usage
    for sobject, counted in report_counts(report).items():
        for outcome in COUNTED:
            labels = {"sobject": sobject, "outcome": outcome.value}
            yield "sfsync_run_rows", labels, counted.get(outcome.value, 0)
    for kind, calls in (("read", usage.reads), ("write", usage.writes), ("login", usage.logins)):
        yield "sfsync_run_api_calls", {"kind": kind}, calls
    yield "sfsync_run_api_retries", {}, usage.retries
    yield "sfsync_run_api_calls_predicted", {}, report.plan.predicted.total
    if report.spent is not None:
        yield "sfsync_run_api_calls_applied", {}, report.spent.total
    if usage.limit_max is not None:
        yield "sfsync_org_api_calls_used", {}, usage.limit_used or 0
        yield "sfsync_org_api_calls_allowed", {}, usage.limit_max


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    plain = value.encode("utf-8", "backslashreplace").decode("utf-8")
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return f"{value:d}" if isinstance(value, int) else f"{value:.3f}"


def metric_names() -> Iterable[tuple[str, str]]:
    """Every metric with what it says, for the documentation."""
    return _HELP.items()
