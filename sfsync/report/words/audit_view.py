"""The read-back audit as programs, spreadsheets and people read it: counts by kind, and each value that differs.

What the platform filled in is told apart from what it did not keep: the one is news, the other may be a loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sfsync.core.reports.audit import Audit, Finding, Kind
from sfsync.core.reports.report import Report
from sfsync.core.values import PlannedValue, shown
from sfsync.report.nouns import place, rows_counted
from sfsync.report.safe_text import json_text, shortened
from sfsync.report.words.lines import Line, Tone

MOST_SHOWN: Final = 5
"""Findings of one kind that a terminal shows."""

MOST_IN_DOCUMENT: Final = 1_000
"""Findings in the machine output; verify.csv in the run's folder has all of them."""

COLUMNS: Final = (
    *("kind", "sobject", "key", "label", "record_id", "field", "sent", "held", "modified_by", "file", "line"),
)


def audit_document(audit: Audit | None) -> dict[str, Any]:
    """The audit as it stands in the machine output; empty where there was none."""
    if audit is None:
        return {}
    return {
        "rows": audit.rows,
        "counts": {kind.value: count for kind, count in audit.counts().items()},
        "not_as_sent": len(audit.differences()),
        "findings": [audit_entry(each) for each in audit.findings[:MOST_IN_DOCUMENT]],
        "left_out": max(0, len(audit.findings) - MOST_IN_DOCUMENT),
    }


def audit_entry(finding: Finding) -> dict[str, Any]:
    """One finding, JSON-ready, with its values as people read them."""
    row = finding.row
    return {
        "kind": finding.kind.value,
        "sobject": finding.sobject,
        "key": json_text(finding.key),
        "label": json_text(finding.label),
        "record_id": finding.record_id,
        "field": finding.field,
        "sent": _text(finding.sent) if _is_about_sent(finding) else "",
        "held": _text(finding.held) if finding.field else "",
        "modified_by": finding.by,
        "file": json_text(row.file) if row else "",
        "line": row.line if row else 0,
    }


def audit_lines(report: Report) -> Iterator[Line]:
    """The audit on a terminal: one group for each kind, with the first of it."""
    audit = report.audit
    if audit is None or not audit.rows:
        return
    yield Line(_summary(audit), tone=Tone.CHANGED if audit.differences() else Tone.NEW)
    for kind, count in audit.counts().items():
        yield Line(f"{kind.value}: {count:,}", 2)
        of_kind = [each for each in audit.findings if each.kind is kind][:MOST_SHOWN]
        for each in of_kind:
            yield Line(_said(each), 4, Tone.FAINT if kind is Kind.DEFAULTED else Tone.PLAIN)
        if count > len(of_kind):
            yield Line(f"... and {count - len(of_kind):,} more; verify.csv has all", 4, Tone.FAINT)


def _summary(audit: Audit) -> str:
    differing = len(audit.differences())
    if not differing:
        return f"Read back: {rows_counted(audit.rows)}, every value as it was sent."
    values = "value is" if differing == 1 else "values are"
    return f"Read back: {rows_counted(audit.rows)}; {differing:,} {values} not as sent."


def _said(finding: Finding) -> str:
    where = place(finding.row)
    name = f"{finding.label}{f' ({where})' if where else ''}"
    if finding.kind is Kind.MISSING:
        return f"{name}: {finding.record_id} is not in the org any more"
    if finding.kind is Kind.DEFAULTED:
        return f"{name}: {finding.field} became {_text(finding.held)}"
    by = f", by {finding.by}" if finding.by else ""
    return f"{name}: {finding.field} is {_text(finding.held)}, sent was {_text(finding.sent)}{by}"


def _is_about_sent(finding: Finding) -> bool:
    return finding.kind not in (Kind.MISSING, Kind.DEFAULTED)


def _text(value: PlannedValue) -> str:
    return json_text(shortened(shown(value)))
