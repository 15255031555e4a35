"""What a plan says of parents that would have to be made and cannot be: the words, the codes, and what to do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from sfsync.core.job import Job
from sfsync.core.orgs.describe import Field
from sfsync.core.plans.plan import Action
from sfsync.core.ports import LedgerEntry
from sfsync.core.reading.checks import Invalid
from sfsync.core.reading.keys import ledger_key
from sfsync.core.references.parents import Identity
from sfsync.core.wording import listed, typed

UNSETTLED = "PARENT_UNSETTLED"
"""The code of rows that wait because nobody can say whether an earlier run made their parent."""


def stopped_by(invalid: Invalid) -> Action:
    """What a row comes to by such a reference: it waits where only somebody's word about the parent is missing."""
    return Action.BLOCKED if invalid.code == UNSETTLED else Action.REJECT


def earlier_unsettled(job: Job, change_id: str, key: str) -> Invalid:
    """An earlier run sent the parent's create without any fence, and never learned whether it was saved."""
    name, org = typed(job.file or job.name, job.org)
    message = f"an earlier run sent the new {change_id} and never learned whether it was saved"
    hint = (
        "Look for the record in the org. If it is there under another name, rename it, or:"
        f" sfsync adopt {name} {shlex.quote(key)} RECORD_ID{org}; if not, let it be sent again:"
        f" sfsync state forget {name} {shlex.quote(change_id)}{org}"
    )
    return Invalid(UNSETTLED, message, hint)


def made_and_gone(job: Job, key: str, entry: LedgerEntry) -> Invalid:
    """The parent that the job made before is in the org no more; it is named as the journal knows it."""
    name, org = typed(job.file or job.name, job.org)
    known = entry.key.removeprefix(ledger_key(job.name, "", key_field=None))
    change_id = f"{entry.sobject}:{known or key}"
    message = f"this job made {change_id} as {entry.record_id}, which is not in the org any more"
    hint = (
        "It was deleted or merged; undelete it, correct the cell, or let it be made again:"
        f" sfsync state forget {name} {shlex.quote(change_id)}{org}"
    )
    return Invalid("GONE_FROM_ORG", message, hint)


def key_is_taken(named: Identity, key: str) -> Invalid:
    """The key of a parent to be made is empty, or another record's of the same job."""
    if not key:
        message = f"the new {named.sobject} would have no key"
        return Invalid("NO_KEY_VALUE", message, "Fill in the column that create_key names.")
    message = f'the new {named.sobject} would have the key "{key}", which another record of this job has'
    return Invalid(
        "DUPLICATE_KEY", message, "Correct the name or the key, so that both mean one record or two."
    )


def key_is_anothers(named: Identity, text: str, key: str, other: str, *, line: int = 0) -> Invalid:
    """The key that a row gives its parent is that of a parent of another name: of the org's, or of the `line`."""
    where = f"in line {line}" if line else "in the org"
    message = f'the row names {named.sobject} "{text}" with the key "{key}", which is "{other}" {where}'
    hint = "Correct the name or the key, so that both mean one record or two."
    return Invalid("DUPLICATE_KEY", message, hint)


def incomplete(sobject: str, fields: Iterable[Field]) -> Invalid:
    """A new parent lacks what the org wants of every record."""
    lacking = [each.name for each in fields]
    message = f"the new {sobject} would have no {' and no '.join(lacking)}, and Salesforce keeps none without"
    return Invalid(
        "REQUIRED", message, f"Fill in the cells, or name a column for {listed(lacking)} in create."
    )
