"""What is told of a run to machines: metrics, workflow commands, the summary of a step, and the one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from report_examples import a_deal, a_plan, a_problem, a_report, done, failed

from sfsync.core.reports.results import Outcome
from sfsync.core.reports.run_ending import KeptEnding, Notice, RunEnding, ending_of, kept_of, notices_of
from sfsync.report.watching.ending_words import MOST_CHARACTERS, ending_sentence
from sfsync.report.watching.github import MOST_ANNOTATIONS, Annotation, annotations_of, step_summary
from sfsync.report.watching.metrics import RunMoments, metric_names, metrics_text

SAMPLE = re.compile(
    r'[a-z_]+\{[a-z_]+="(?:[^"\\]|\\.)*"(?:,[a-z_]+="(?:[^"\\]|\\.)*")*\} -?[0-9]+(?:\.[0-9]+)?'
)


def report_of(failures: int = 1):
    """A run of one good row and some that are rejected."""
    changes = [a_deal(number) for number in range(1, failures + 2)]
    results = [done(changes[0])]
    results += [failed(each, Outcome.REJECTED, a_problem(row=each.row)) for each in changes[1:]]
    return a_report(a_plan(changes), results)


def test_metrics_are_what_a_collector_reads():
    """Each metric has its HELP and TYPE once, right before its samples, whatever a job's name holds."""
    ending = RunEnding('night\\ly "x"\n', 0, org="sandbox")
    lines = metrics_text(ending, RunMoments(1e9, 2.5, 1e9, 0.0), report_of()).splitlines()
    known = dict(metric_names())
    current = ""
    for line in lines:
        if line.startswith("# HELP "):
            current = line.split()[2]
            assert line == f"# HELP {current} {known.pop(current)}"
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {current} gauge"
        else:
            assert line.startswith(f"{current}{{")
            assert SAMPLE.fullmatch(line), line
    assert 'sfsync_run_exit_code{job="night\\\\ly \\"x\\"\\n",org="sandbox"} 0' in lines


def test_the_documentation_has_every_metric():
    """docs/operations.md names each, and none that is not there."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "operations.md").read_text()
    assert set(re.findall(r"`(sfsync_[a-z_]+)", page)) == {name for name, _ in metric_names()}


def test_what_nobody_knows_is_no_metric():
    """A run that never came to a plan has its end and nothing that could be taken for a count."""
    text = metrics_text(RunEnding("nightly", 4, share="1/4"), RunMoments(1e9, 0.5), None)
    samples = [line.partition("{")[0] for line in text.splitlines() if not line.startswith("#")]
    assert samples == ["sfsync_run_exit_code", "sfsync_run_end_time_seconds", "sfsync_run_duration_seconds"]
    assert 'partition="1/4"' in text


def test_a_workflow_command_is_escaped_as_the_runner_reads_it():
    """Percent signs and line ends in a text, and also colons and commas in a property, cannot end it."""
    told = Annotation("error", "A: b, c", "50 %\nnext::error::x", file="a,b:c.csv", line=3).command()
    assert told == (
        "::error file=a%2Cb%3Ac.csv,line=3,title=A%3A b%2C c::50 %25\\nnext::error::x"
    )  # the line end is spelled out before it could be escaped


def test_annotations_and_summary_are_bounded():
    """Ten of a kind, as GitHub shows them; fifty problems in the summary, which says how many more there are."""
    report = report_of(60)
    assert len(annotations_of(report)) == MOST_ANNOTATIONS
    summary = step_summary(report)
    assert summary.count("BAD\\_DATE") >= 50
    assert "... and 10 more;" in summary
    assert "| Opportunity | 61 | 1 | 60 |" in summary


def test_the_sentence_has_codes_and_counts_and_is_bounded():
    """Job, org, exit code, how far, why and what next, and no word of a row or of the org."""
    said = ending_sentence(ending_of(report_of(2)))
    assert re.fullmatch(
        r"job \S+, org \S+: exit code 3; 1 of 3 rows done, 2 not done \(BAD_DATE 2\); run (\S+); "
        r"next: sfsync runs show \1",
        said,
    )
    many = RunEnding("j" * 5000, 3, run="r", rows=3, not_done=3, codes={f"C{n}": 1 for n in range(999)})
    assert len(ending_sentence(many)) <= MOST_CHARACTERS + 3


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ([0, 0], []),
        ([0, 3], ["failure"]),
        ([3, 0], ["failure", "recovery"]),
        ([75, 3, 8, 0], ["failure", "failure", "recovery"]),
        ([3, 99, 0], ["failure", "recovery"]),
        ([0, 99, 0], []),
        ([143, 0], ["failure", "recovery"]),
    ],
)
def test_who_is_told_of_a_history(codes, told):
    """Every failure and the first good run after it; a run that another kept out is neither."""
    kept, heard = None, []
    for number, code in enumerate(codes):
        ending = RunEnding("nightly", code)
        heard += [each.value for each in notices_of(kept, ending)]
        kept = kept_of(kept, ending, at=f"night {number}")
    assert heard == told


def test_a_drift_is_of_the_same_job_only():
    """Another setup of the org is told; another job file is the reason for itself, and no plan tells nothing."""
    before = KeptEnding(0, "", setup="a", job_digest="j")
    assert notices_of(before, RunEnding("n", 0, setup="b", job_digest="j")) == (Notice.SCHEMA_DRIFT,)
    assert notices_of(before, RunEnding("n", 0, setup="b", job_digest="k")) == ()
    assert notices_of(before, RunEnding("n", 4)) == (Notice.FAILURE,)
    assert kept_of(before, RunEnding("n", 4), at="t").setup == "a"
