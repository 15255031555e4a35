"""Which record type a text names: by id, by full or bare developer name, or by label.

A managed package's record type is called `npsp__Default` in full; describe tells the bare name alone, the prefix
comes from SOQL. The bare name will do where only one record type of the sObject has it.
Source: Object Reference, RecordType (DeveloperName, NamespacePrefix).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sfsync.core.orgs.describe import RecordType, SObjectDescribe
from sfsync.core.reading.checks import Invalid
from sfsync.core.references.candidates import Unresolved
from sfsync.core.references.open_references import Described, OpenReference
from sfsync.core.sobject import record_id
from sfsync.core.wording import suggestion

RECORD_TYPE = "RecordType"
_BETWEEN = "__"


def needs_namespaces(describe: SObjectDescribe, text: str) -> bool:
    """Whether the prefixes of the record types have to be known before the text can be understood."""
    known = _known(describe)
    named = [each for each in known if text == each.developer_name]
    return len(named) > 1 or (not named and _BETWEEN in text and all(text != each.label for each in known))


def named_type(
    describe: SObjectDescribe, text: str, *, namespaces: Mapping[str, str], held: object = None
) -> str | Invalid:
    """The id of the record type that the text names; `held` is the one that the record has now.

    `namespaces` maps the ids of record types to their prefixes; where it is empty a prefix is not compared.
    """
    found = _named(_known(describe), text, namespaces)
    if len(found) == 1:
        [kind] = found
        return kind.id if kind.is_offered or kind.id == held else _not_offered(kind)
    full = {each.id: _full_name(each, namespaces) for each in _known(describe)}
    if found:
        several = [Described(each.id, full[each.id], each.label) for each in found]
        shown = "; ".join(each.words for each in several)
        message = f'{len(found)} record types of {describe.name} are called "{text}": {shown}'
        hint = "Give the full name, with its prefix, or the record type's id."
        return Unresolved("AMBIGUOUS", message, hint, OpenReference(RECORD_TYPE, "", text, tuple(several)))
    names = ", ".join(full.values()) or "none"
    near = suggestion(text, full.values())
    hint = f"{near} " if near.startswith("Did") else ""
    message = f'{describe.name} has no record type "{text}"'
    hint = f"{hint}Record types of {describe.name}: {names}."
    return Unresolved("UNKNOWN_RECORD_TYPE", message, hint, OpenReference(RECORD_TYPE, "", text))


def _known(describe: SObjectDescribe) -> list[RecordType]:
    return [each for each in describe.record_types if not each.master]


def _full_name(kind: RecordType, namespaces: Mapping[str, str]) -> str:
    prefix = namespaces.get(kind.id)
    return f"{prefix}{_BETWEEN}{kind.developer_name}" if prefix else kind.developer_name


def _named(known: Sequence[RecordType], text: str, namespaces: Mapping[str, str]) -> list[RecordType]:
    """The record types that the text names in the strictest way that names any."""
    bare = text if namespaces else text.rpartition(_BETWEEN)[2]
    wanted = record_id(text, RECORD_TYPE)
    ways = (
        [each for each in known if wanted == each.id],
        [each for each in known if text == _full_name(each, namespaces)],
        [each for each in known if bare == each.developer_name],
        [each for each in known if text == each.label],
    )
    return next((each for each in ways if each), [])


def _not_offered(kind: RecordType) -> Invalid:
    if not kind.active:
        message, hint = (
            "is inactive in this org",
            "Activate it in Setup, or give the row another record type.",
        )
    else:
        message = "is not available to the user that sfsync runs as"
        hint = "Assign it to the user's profile or permission set."
    return Invalid("RECORD_TYPE_NOT_AVAILABLE", f'record type "{kind.developer_name}" {message}', hint)
