"""The one sentence about an ended run for those who were not there, and the document that a hook gets.

Both are bounded and hold counts, codes and names, never a value of a row, a message of the org or an address.
"""

from __future__ import annotations

from typing import Any, Final

from sfsync.core.reports.run_ending import KeptEnding, Notice, RunEnding
from sfsync.explanations.catalogue import title_of
from sfsync.report.safe_text import json_text, shortened

NOTICE_SCHEMA: Final = "sfsync.notice/1"
MOST_CODES: Final = 3
MOST_CHARACTERS: Final = 600


def ending_sentence(ending: RunEnding) -> str:
    """`job nightly, org sandbox: exit code 3; 198 of 200 rows done, 2 not done (UNKNOWN_STAGE 2); ...`."""
    who = f"job {ending.job or '(not read)'}"
    who += f" ({ending.share})" if ending.share else ""
    who += f", org {ending.org}" if ending.org else ""
    said = [f"{who}: exit code {ending.exit_code}"]
    if ending.code:
        title = title_of(ending.code)
        said.append(f"{ending.code}{f' - {title}' if title else ''}")
    if ending.rows or ending.run:
        said.append(_how_far(ending))
    if ending.run:
        said.append(f"run {ending.run}")
    said.append(_next_step(ending))
    return shortened("; ".join(each for each in said if each), most=MOST_CHARACTERS)


def _how_far(ending: RunEnding) -> str:
    done = ending.rows - ending.not_done
    text = f"{done:,} of {ending.rows:,} rows done"
    if not ending.not_done:
        return text
    first = list(ending.codes.items())[:MOST_CODES]
    names = ", ".join(f"{code} {count:,}" for code, count in first)
    more = ", ..." if len(ending.codes) > MOST_CODES else ""
    return f"{text}, {ending.not_done:,} not done" + (f" ({names}{more})" if names else "")


def _next_step(ending: RunEnding) -> str:
    if ending.is_success:
        return ""
    if ending.exit_code in (130, 143):
        return f"next: sfsync resume {ending.run}".rstrip()
    if ending.run:
        return f"next: sfsync runs show {ending.run}"
    return f"next: sfsync explain {ending.code}" if ending.code else ""


def notice_document(
    notice: Notice, ending: RunEnding, before: KeptEnding | None, *, at: str
) -> dict[str, Any]:
    """What a webhook or a command is told."""
    return {
        "schema": NOTICE_SCHEMA,
        "event": notice.value,
        "at": at,
        "job": json_text(ending.job),
        "org": json_text(ending.org),
        "partition": ending.share,
        "run": ending.run,
        "exit_code": ending.exit_code,
        "code": ending.code,
        "text": json_text(_notice_text(notice, ending, before)),
        "rows": ending.rows,
        "not_done": ending.not_done,
        "codes": dict(list(ending.codes.items())[:20]),
        "failed_since": _failed_since(notice, before),
        "run_before": before.run if before else "",
    }


def _failed_since(notice: Notice, before: KeptEnding | None) -> str:
    """Since when; a failure that follows a good run is the first of its own."""
    if before is None or (notice is not Notice.RECOVERY and not before.is_failing):
        return ""
    return before.failed_since


def _notice_text(notice: Notice, ending: RunEnding, before: KeptEnding | None) -> str:
    sentence = ending_sentence(ending)
    match notice:
        case Notice.RECOVERY:
            return f"{sentence}; it had failed since {before.failed_since if before else ''}"
        case Notice.SCHEMA_DRIFT:
            return (
                f"job {ending.job}: what it uses of the org's setup (fields, picklists, stages) has changed since "
                f"run {before.run if before else ''}; look at it with sfsync check {ending.job}"
            )
        case Notice.FAILURE:
            return sentence
