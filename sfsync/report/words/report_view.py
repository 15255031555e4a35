"""A finished run in words: the counts, what is wrong and what to do, what it cost, and one last line.

A plan that was not applied has been shown as a plan; here it gets its files and its last line only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from sfsync.core.reports.report import Report
from sfsync.core.reports.report_numbers import MADE, end, not_done_in, total
from sfsync.core.reports.results import COUNTED, NOT_DONE, Outcome, Problem
from sfsync.core.reports.standing import Standing, standing
from sfsync.report.document import Files, in_write_order, report_counts
from sfsync.report.nouns import counted, noun, rows_counted
from sfsync.report.words.audit_view import audit_lines
from sfsync.report.words.cost_view import usage_lines
from sfsync.report.words.forecast_view import forecast_pieces
from sfsync.report.words.lines import CountTable, Line, Piece, Tone
from sfsync.report.words.plan_view import untouched_lines
from sfsync.report.words.problem_groups import more_lines, placed, problem_group_lines
from sfsync.report.words.standing_words import stays_words, take_back_too

NOT_AS_WRITTEN: Final = "NOT_AS_WRITTEN"

_ALWAYS: Final = (Outcome.CREATED, Outcome.UPDATED, Outcome.UNCHANGED)

_WRITTEN: Final = frozenset({Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED})

_MEANINGS: Final = {
    Outcome.SKIPPED: "left out by a rule of the job",
    Outcome.CONFLICT: "somebody changed the record in the org; it was left untouched",
    Outcome.REJECTED: "cannot be brought to the org as the row is",
    Outcome.BLOCKED: "waits for another row that was not done",
    Outcome.UNKNOWN: "nobody can tell whether it was saved; look at the record in the org",
    Outcome.UNPROCESSED: "the run ended before its turn; nothing was sent for it",
}

_FILE_WORDS: Final = {
    "rejects_by_source": "rows to correct and import again",
    "unprocessed_by_source": "rows that were not reached",
    "picks": "references to settle; keep the lines that you mean, and name the file as picks in the job",
    "successes": "rows that are in the org",
    "report": "the report, for a browser",
    "verify": "what is not as it was sent, or was filled in",
    "results": "everything, for programs",
}


_COMMANDS: Final = ("sfsync ", "pip ")

_FILES_OF_A_PLAN: Final = frozenset({"rejects_by_source", "picks", "report"})


def report_pieces(report: Report, files: Files) -> Iterator[Piece]:
    """The report, with where its files are."""
    if report.applied:
        yield from _applied(report)
    else:
        yield from _stopping_lines(report)
    yield from _file_lines(report, files)
    yield Line()
    yield _last_line(report)


def _stopping_lines(report: Report) -> Iterator[Line]:
    """What would stop the plan if it were to be written."""
    for note in report.notes:
        yield Line()
        yield Line(f"Writing it would be stopped: {note.message}.", tone=Tone.BAD)
        yield Line(note.hint, 2)


def _applied(report: Report) -> Iterator[Piece]:
    org = report.plan.org
    taken_back = f", which takes back run {report.plan.undoes}" if report.plan.undoes else ""
    yield Line(f"Run {report.run_id} of job {report.plan.job}{taken_back}", tone=Tone.TITLE)
    yield Line(f"in {org.name} ({org.org_id}), {report.seconds:.1f} s")
    yield Line()
    counts = report_counts(report)
    yield _table(counts)
    yield from untouched_lines(report.plan)
    for outcome, meaning in _MEANINGS.items():
        if any(each[outcome.value] for each in counts.values()):
            yield Line(f"{outcome.value}: {meaning}", 2, Tone.FAINT)
    yield from forecast_pieces(report.forecast(), applied=True)
    yield from _problem_lines(report)
    yield from _note_lines(report)
    yield Line()
    yield from _lines_without_rows(report)
    yield from _read_back_lines(report)
    yield from usage_lines(report)


def _table(counts: Mapping[str, Mapping[str, int]]) -> CountTable:
    """One line for each outcome, rare ones only where something is in them: it fits the narrowest terminal."""
    named = [
        each.value
        for each in COUNTED
        if each in _ALWAYS or any(of_sobject[each.value] for of_sobject in counts.values())
    ]
    rows = tuple((title, [each[title] for each in counts.values()]) for title in ("rows", *named))
    return CountTable(("", *(noun(name, 2) for name in counts)), rows)


def _problem_lines(report: Report) -> Iterator[Line]:
    problems = [placed(problem, change) for change, _, problem in report.problems()]
    if problems:
        yield Line()
        yield Line(f"Not done: {rows_counted(_not_done(report))}", tone=Tone.TITLE)
        yield from problem_group_lines(problems, tone=Tone.BAD)
        yield from more_lines(problems)


def _note_lines(report: Report) -> Iterator[Line]:
    said: list[Problem] = [placed(problem, change) for change, _, problem in report.remarks()]
    is_told = report.audit is not None
    own = [each for each in report.notes if not (is_told and each.code == NOT_AS_WRITTEN)]
    notes = [*report.plan.notes, *own, *said]
    if notes:
        yield Line()
        yield Line("Notes", tone=Tone.TITLE)
        yield from problem_group_lines(notes, tone=Tone.PLAIN)


def _lines_without_rows(report: Report) -> Iterator[Line]:
    tally = report.numbers()
    deleted = {name: count for name, each in tally.items() if (count := each.get(end(Outcome.DELETED)))}
    if deleted:
        words = " and ".join(counted(name, deleted[name]) for name in in_write_order(deleted))
        yield Line(f"Deleted in the org: {words}.")
    made = {name: count for name, each in tally.items() if (count := each.get(MADE))}
    if made:
        words = " and ".join(counted(name, made[name]) for name in in_write_order(made))
        yield Line(f"Created for rows that refer to them, in no file: {words}.")


def _read_back_lines(report: Report) -> Iterator[Line]:
    written = _count(report, Outcome.CREATED, Outcome.UPDATED)
    differing = sum(1 for each in report.notes if each.code == NOT_AS_WRITTEN)
    if not written:
        return
    if report.stopped is not None:
        yield Line(f"Not read back: the run ended early. Written until then: {rows_counted(written)}.")
    elif report.audit is not None:
        yield from audit_lines(report)
    elif differing:
        values = "value differs" if differing == 1 else "values differ"
        yield Line(f"Read back: {rows_counted(written)}; {differing:,} {values} from what was sent.")
    else:
        yield Line(f"Read back: {rows_counted(written)}, all as they were sent.")


def _file_lines(report: Report, files: Files) -> Iterator[Line]:
    named = [
        (words, Path(path))
        for name, words in _FILE_WORDS.items()
        if report.applied or name in _FILES_OF_A_PLAN
        for path in _paths(files.get(name, ""))
    ]
    if not named:
        return
    folders = {str(path.parent) for _, path in named}
    is_one = len(folders) == 1 and folders != {"."}
    yield Line()
    yield Line(f"Files in {folders.pop()}" if is_one else "Files", tone=Tone.TITLE)
    for words, path in named:
        yield Line(f"{path.name if is_one else path}: {words}", 2)


def _paths(named: str | Mapping[str, str]) -> list[str]:
    if isinstance(named, str):
        return [named] if named else []
    return list(named.values())


def _last_line(report: Report) -> Line:
    not_done, code = _not_done(report), report.exit_code
    if report.stopped is not None:
        hint = f" {_sentence(report.stopped.hint)}" if report.stopped.hint else ""
        why = report.stopped.message.rstrip(".")
        return Line(f"Stopped (exit code {code}): {why}.{hint}", tone=Tone.BAD)
    if not report.applied:
        left = (
            f" {rows_counted(not_done)} cannot be brought to the org (exit code {code})." if not_done else ""
        )
        return Line(f"Planned only: nothing was written.{left}", tone=Tone.BAD if not_done else Tone.NEW)
    if report.plan.undoes is not None and report.plan.is_empty():
        if (stays := standing(report.plan)).records:
            return _standing_line(report, stays, "Finished: nothing more can be taken back")
        return Line("Finished: nothing is left to take back.", tone=Tone.NEW)
    done, skipped = rows_counted(_count(report, *_ALWAYS)), _count(report, Outcome.SKIPPED)
    if report.plan.undoes is not None:
        ended = (total(report.numbers(), end(each)) for each in Outcome if each not in NOT_DONE)
        done = rows_counted(sum(ended))
        done, skipped = done.replace("row", "record"), 0
    elif not any(total(report.numbers(), end(each)) for each in _WRITTEN):
        return _unwritten_line(report)
    told = f"Finished: {done} done" + (f", {skipped:,} skipped" if skipped else "")
    if (stays := standing(report.plan)).records:
        return _standing_line(report, stays, f"{told}, {not_done:,} not done" if not_done else told)
    if not_done:
        return Line(f"{told}, {not_done:,} not done (exit code {code}).", tone=Tone.BAD)
    return Line(f"{told}." if skipped else f"{told}, none left.", tone=Tone.NEW)


def _sentence(hint: str) -> str:
    """A hint behind a full stop; a command that it begins with stays as it is typed."""
    return hint if hint.startswith(_COMMANDS) else hint[:1].upper() + hint[1:]


def _unwritten_line(report: Report) -> Line:
    """The last line of a run that wrote nothing: its rows are not called done."""
    kinds = ((Outcome.UNCHANGED, "unchanged"), (Outcome.SKIPPED, "skipped"))
    parts = [f"{rows_counted(count)} {word}" for kind, word in kinds if (count := _count(report, kind))]
    not_done = _not_done(report)
    if not_done:
        parts.append(f"{not_done:,} not done (exit code {report.exit_code})")
    said = "nothing was written" if not_done else "nothing had to be written"
    text = "; ".join(each for each in (said, ", ".join(parts)) if each)
    return Line(f"Finished: {text}.", tone=Tone.BAD if not_done else Tone.NEW)


def _standing_line(report: Report, left: Standing, told: str) -> Line:
    """The last line of an undo that leaves something: how much stays, and what takes it back too."""
    code = f" (exit code {report.exit_code})" if report.exit_code else ""
    how = take_back_too(report.plan.undoes or "", left.later_runs)
    said = f"{told}; {stays_words(left)}{code}. The notes say why" + (f"; {how}" if how else ".")
    return Line(said, tone=Tone.BAD)


def _not_done(report: Report) -> int:
    """How many rows are not done, and how many writes that no row asks for, as they too set the exit code."""
    return not_done_in(report.numbers())


def _count(report: Report, *outcomes: Outcome) -> int:
    return sum(total(report.numbers(), each.value) for each in outcomes)
