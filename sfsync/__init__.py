"""sfsync: brings local deals and their contact roles to Salesforce, planned first, never twice, never lost.

The public surface is `__all__`; everything is imported when it is first asked for, so that importing the
package costs nothing. `Report.merge(reports)` makes one report of several, such as those of partitions of one job;
`report.condensed()` lets go of the rows that are done.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sfsync.app.books import sync
    from sfsync.app.given_rows import with_rows
    from sfsync.app.past_runs import resume
    from sfsync.app.workplace import apply, plan
    from sfsync.core.models import Account, Contact, Opportunity, OpportunityContactRole, Reference
    from sfsync.core.plans.plan import Plan
    from sfsync.core.reports.report import Report
    from sfsync.errors import SyncError
    from sfsync.jobs import load_job

_HOMES: Final = {
    "Account": "sfsync.core.models",
    "Contact": "sfsync.core.models",
    "Opportunity": "sfsync.core.models",
    "OpportunityContactRole": "sfsync.core.models",
    "Plan": "sfsync.core.plans.plan",
    "Reference": "sfsync.core.models",
    "Report": "sfsync.core.reports.report",
    "SyncError": "sfsync.errors",
    "apply": "sfsync.app.workplace",
    "load_job": "sfsync.jobs",
    "plan": "sfsync.app.workplace",
    "resume": "sfsync.app.past_runs",
    "sync": "sfsync.app.books",
    "with_rows": "sfsync.app.given_rows",
}

__all__ = [
    "Account",
    "Contact",
    "Opportunity",
    "OpportunityContactRole",
    "Plan",
    "Reference",
    "Report",
    "SyncError",
    "apply",
    "load_job",
    "plan",
    "resume",
    "sync",
    "with_rows",
]


def __getattr__(name: str) -> object:
    """A public name, imported from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sfsync' has no attribute {name!r}")
    if name != "SyncError":  # which is what a caller on another system would catch
        from sfsync.platforms import require_supported

        require_supported()
    return getattr(importlib.import_module(_HOMES[name]), name)
