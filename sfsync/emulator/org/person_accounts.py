"""Person accounts: accounts that are people, in orgs that have switched them on.

Played as far as an integration meets them: Account has IsPersonAccount, FirstName and LastName, and an account that
is given a last name is a person whose name is made of both. The contact behind a person account is not played.
Source: Object Reference, Account [D].
"""

from dataclasses import replace
from typing import Final

from sfsync.emulator.org.definition import OrgDefinition
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.standard import object_fields
from sfsync.emulator.org.storage import Row

_FIELDS: Final = """
IsPersonAccount   boolean          Dfsg
FirstName         string:40        CUNfsg
LastName          string:80        CUNfsg
"""


def add_person_accounts(definition: OrgDefinition, objects: dict[str, SObject]) -> None:
    """Give Account the fields of people, where the org has person accounts."""
    if not definition.organization.get("person_accounts"):
        return
    own = object_fields(_FIELDS, picklists={}, recycle_bin=False, owner=False)
    account = objects["Account"]
    objects["Account"] = replace(account, fields={**own, **account.fields})


def name_person(sobject: SObject, row: Row) -> None:
    """Name an account that is a person, and mark it as one."""
    if sobject.name == "Account" and row.get("LastName"):
        row["Name"] = " ".join(part for part in (row.get("FirstName"), row["LastName"]) if part)
        row["IsPersonAccount"] = 1
