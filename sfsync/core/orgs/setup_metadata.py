"""The metadata that an administrator deploys so that every write is safe to repeat: a value, file by file.

Key fields, the object for receipts, and a permission set with the rights that sfsync uses and no more, in the
source format of the Salesforce CLI. Standard fields get a right only where the platform is known to take one in
a permission set; a right for any other field would make the whole deployment fail.
Source: Metadata API Developer Guide, CustomObject, CustomField, PermissionSet; Salesforce DX Developer Guide,
"Salesforce DX Project Structure and Source Format".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

import orjson

from sfsync.core.job import Job, Section
from sfsync.core.orgs.org_profile import DEFAULT_API_VERSION
from sfsync.core.sending.receipts import RECEIPT, RECORD, RECORD_LENGTH, TOKEN, TOKEN_LENGTH
from sfsync.core.sobject import ACCOUNT, CONTACT, CONTACT_ROLE, OPPORTUNITY

KEY_FIELD: Final = "Sfsync_Key__c"
KEY_LENGTH: Final = 255
PERMISSION_SET: Final = "Sfsync_Integration"

_KEYED: Final = (ACCOUNT, CONTACT, OPPORTUNITY)
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_NAMESPACE: Final = "http://soap.sforce.com/2006/04/metadata"
_SOURCE: Final = "force-app/main/default"

_GRANTABLE: Final[Mapping[str, tuple[str, ...]]] = {
    OPPORTUNITY: (
        *("AccountId", "Amount", "CampaignId", "Description", "IsPrivate", "LeadSource", "NextStep"),
        *("Probability", "TotalOpportunityQuantity", "Type"),
    ),
    ACCOUNT: (
        *("AccountNumber", "AnnualRevenue", "BillingAddress", "Description", "Fax", "Industry"),
        *("NumberOfEmployees", "ParentId", "Phone", "Rating", "ShippingAddress", "Site", "Type", "Website"),
    ),
    CONTACT: (
        *("AccountId", "Birthdate", "Department", "Description", "Email", "Fax", "HomePhone", "LeadSource"),
        *("MailingAddress", "MobilePhone", "OtherAddress", "Phone", "Title"),
    ),
}
"""Standard fields that a permission set takes; required ones, names, owners and record types it does not."""

_ADDRESS_PARTS: Final = ("Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode")
_READ_BY_DEFAULT: Final[Mapping[str, tuple[str, ...]]] = {CONTACT: ("AccountId", "Email")}

Files = Mapping[str, str]
"""Path from the folder, with `/` -> text."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What the permission set gives on one field: to read it, or to write it too."""

    sobject: str
    field: str
    editable: bool


def setup_files(job: Job | None, *, with_deletes: bool) -> Files:
    """The files for a job, or for what sfsync writes in general.

    `with_deletes` gives the right to delete, which `sfsync undo` and the purge of receipts need.
    """
    keys = key_fields(job)
    files = {"sfdx-project.json": _project()}
    for sobject, field in keys.items():
        label = field.removesuffix("__c").replace("_", " ").strip() or field
        path = f"{_SOURCE}/objects/{sobject}/fields/{field}.field-meta.xml"
        files[path] = _text_field(field, label, KEY_LENGTH, _KEY_TEXT, is_unique=True)
    folder = f"{_SOURCE}/objects/{RECEIPT}"
    files[f"{folder}/{RECEIPT}.object-meta.xml"] = _receipt_object()
    files[f"{folder}/fields/{TOKEN}.field-meta.xml"] = _text_field(
        TOKEN, "Token", TOKEN_LENGTH, _TOKEN_TEXT, is_unique=True
    )
    files[f"{folder}/fields/{RECORD}.field-meta.xml"] = _text_field(
        RECORD, "Record Id", RECORD_LENGTH, _RECORD_TEXT, is_unique=False
    )
    files[f"{_SOURCE}/permissionsets/{PERMISSION_SET}.permissionset-meta.xml"] = _permission_set(
        job, keys, with_deletes=with_deletes
    )
    files["README.md"] = _read_me(keys, with_deletes=with_deletes)
    return files


_KEY_TEXT: Final = (
    "The key by which sfsync finds its records again. Only the integration user should edit it."
)
_TOKEN_TEXT: Final = "The token of one request of sfsync; unique, so that no request is carried out twice."
_RECORD_TEXT: Final = "The record that the request made, or the word burned."


def key_fields(job: Job | None) -> dict[str, str]:
    """The custom key fields to make, by sObject: the job's own names, or the usual one."""
    if job is None:
        return dict.fromkeys(_KEYED, KEY_FIELD)
    named = {each.sobject: each.key or KEY_FIELD for each in _sections(job)}
    return {sobject: key for sobject, key in named.items() if key.endswith("__c")}


def _sections(job: Job) -> list[Section]:
    return [each for each in job.sections.values() if each.sobject != CONTACT_ROLE]


def _project() -> str:
    project = {
        "packageDirectories": [{"path": "force-app", "default": True}],
        "name": "sfsync-setup",
        "namespace": "",
        "sourceApiVersion": DEFAULT_API_VERSION,
    }
    return orjson.dumps(project, option=orjson.OPT_INDENT_2).decode() + "\n"


def _element(name: str, value: str | bool | int | Sequence[str], *, indent: int = 4) -> str:  # noqa: FBT001
    """One element: a text, or the lines of elements inside it."""
    pad = " " * indent
    if isinstance(value, list):
        inner = "\n".join(f"{pad}{line}" if line else line for line in "\n".join(value).split("\n"))
        return f"{pad}<{name}>\n{inner}\n{pad}</{name}>"
    text = str(value).lower() if isinstance(value, bool) else escape(str(value))
    return f"{pad}<{name}>{text}</{name}>"


def _document(root: str, elements: Iterable[str]) -> str:
    return "\n".join([_HEAD, f'<{root} xmlns="{_NAMESPACE}">', *elements, f"</{root}>", ""])


def _text_field(name: str, label: str, length: int, description: str, *, is_unique: bool) -> str:
    values: dict[str, str | bool | int] = {"fullName": name}
    values |= {"caseSensitive": True} if is_unique else {}
    values |= {"description": description, "externalId": is_unique, "label": label, "length": length}
    values |= {"required": False, "type": "Text", "unique": is_unique}
    return _document("CustomField", (_element(key, value) for key, value in values.items()))


def _receipt_object() -> str:
    name_field = [
        _element("displayFormat", "R-{0000000000}"),
        _element("label", "Receipt"),
        _element("type", "AutoNumber"),
    ]
    return _document(
        "CustomObject",
        (
            _element("deploymentStatus", "Deployed"),
            _element(
                "description", "One record for each request of sfsync that must not be carried out twice."
            ),
            _element("enableActivities", False),  # noqa: FBT003
            _element("enableReports", True),  # noqa: FBT003
            _element("label", "Sfsync Receipt"),
            _element("nameField", name_field),
            _element("pluralLabel", "Sfsync Receipts"),
            _element("sharingModel", "ReadWrite"),
        ),
    )


def _permission_set(job: Job | None, keys: Mapping[str, str], *, with_deletes: bool) -> str:
    elements = [
        _element("description", "What sfsync needs to bring deals, and nothing more."),
        *(
            _element(
                "fieldPermissions",
                [
                    _element("editable", each.editable),
                    _element("field", f"{each.sobject}.{each.field}"),
                    _element("readable", True),  # noqa: FBT003
                ],
            )
            for each in field_rights(job, keys)
        ),
        _element("hasActivationRequired", False),  # noqa: FBT003
        _element("label", "Sfsync Integration"),
        *(_object_rights(*each, with_deletes=with_deletes) for each in object_rights(job)),
        _element("userPermissions", [_element("enabled", True), _element("name", "ApiEnabled")]),  # noqa: FBT003
    ]
    return _document("PermissionSet", elements)


def object_rights(job: Job | None) -> list[tuple[str, bool]]:
    """The objects that the permission set is about, sorted, and whether records of each are written.

    Contact roles have no rights of their own: they follow their deal.
    """
    written = set(_KEYED) if job is None else {each.sobject for each in _sections(job)}
    has_roles = job is None or "contact_roles" in job.sections
    read = {ACCOUNT} if OPPORTUNITY in written or has_roles else set()
    read |= {CONTACT} if has_roles else set()
    written |= {OPPORTUNITY} if has_roles else set()
    rights = dict.fromkeys(read, False) | dict.fromkeys((*written, RECEIPT), True)
    return sorted(rights.items())


def _object_rights(sobject: str, is_written: bool, *, with_deletes: bool) -> str:  # noqa: FBT001
    rights = {
        "allowCreate": is_written,
        "allowDelete": is_written and with_deletes,
        "allowEdit": is_written,
        "allowRead": True,
        "modifyAllRecords": False,
    }
    lines = [_element(key, value) for key, value in rights.items()]
    return _element(
        "objectPermissions",
        [*lines, _element("object", sobject), _element("viewAllRecords", False)],  # noqa: FBT003
    )


def field_rights(job: Job | None, keys: Mapping[str, str]) -> list[Rights]:
    """The fields that are written or looked up by, as far as a permission set takes them; sorted."""
    found: dict[tuple[str, str], bool] = {(RECEIPT, TOKEN): True, (RECEIPT, RECORD): True}
    for sobject, field in keys.items():
        found[sobject, field] = True
    for sobject, field, editable in _used(job):
        granted = _granted(sobject, field)
        if granted is not None:
            found[sobject, granted] = found.get((sobject, granted), False) or editable
    return [Rights(sobject, field, editable) for (sobject, field), editable in sorted(found.items())]


def _used(job: Job | None) -> Iterator[tuple[str, str, bool]]:
    """sObject, field, and whether it is written: of every rule, and of the references that are looked up."""
    if job is None:
        for sobject in _KEYED:
            for field in _GRANTABLE[sobject] if sobject == OPPORTUNITY else ():
                yield sobject, field, True
            for field in _READ_BY_DEFAULT.get(sobject, ()):
                yield sobject, field, True
        return
    for section in job.sections.values():
        for rule in section.rules:
            yield section.sobject, rule.field, True
            parent = rule.field.removesuffix("Id")
            for name in rule.match if parent in _KEYED else ():
                yield parent, name, False


def _granted(sobject: str, field: str) -> str | None:
    """The field as a permission set names it, or None where it takes none; an address is granted as one."""
    if field.endswith("__c"):
        return field
    known = _GRANTABLE.get(sobject, ())
    for part in _ADDRESS_PARTS:
        if field.endswith(part) and f"{field.removesuffix(part)}Address" in known:
            return f"{field.removesuffix(part)}Address"
    return next((each for each in known if each.lower() == field.lower()), None)


def _read_me(keys: Mapping[str, str], *, with_deletes: bool) -> str:
    fields = "\n".join(
        f"| objects/{sobject}/fields/{field} | the key of a record, unique in the org: the org refuses a second,"
        " however late it arrives |"
        for sobject, field in keys.items()
    )
    deletes = (
        "It may delete, as sfsync undo and the purge of receipts need."
        if with_deletes
        else "It deletes nothing; sfsync undo and the purge of receipts need a set made with --with-deletes."
    )
    return f"""# Setup for sfsync

What this folder adds to an org makes every write of sfsync safe to repeat. Nothing that exists is changed.

| file (below {_SOURCE}) | what it is for |
|---|---|
{fields}
| objects/{RECEIPT} | one small record for each request that has no key of its own: contact roles of deals \
that exist, and records without a key. A repeated one fails on its token |
| permissionsets/{PERMISSION_SET} | the rights that sfsync uses: the API, these objects and fields, no view or \
modify all. {deletes} |

Try it in a sandbox first. With the Salesforce CLI, in this folder:

```
sf project deploy start --source-dir force-app --target-org ORG
sf org assign permset --name {PERMISSION_SET} --target-org ORG --on-behalf-of USERNAME
```

Then `sfsync check JOB -o ORG` says by which route each kind of record goes, and what is missing.

- Some standard fields cannot be in a permission set (names, owners, required fields and some more); all have them,
  or the profile gives them. Record types must be assigned to the user.
- Only the integration user should be able to edit the key fields: a person who clears a key makes the next run
  create the record again.
- Receipts may be deleted once no answer is out any more: `sfsync org receipts -o ORG --purge-older-than 30`.
"""
