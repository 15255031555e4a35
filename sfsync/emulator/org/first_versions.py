"""Fields that an older API version does not have yet; there they behave as nonexistent.

Source: Object Reference, Opportunity.ContactId, OpportunityContactRole.CurrencyIsoCode and
OpportunityStage.ApiName; release notes Winter '20, Customize Opportunity Contact Roles [D].
"""

from typing import Final

from sfsync.emulator.org.schema import SObject

_ROLE: Final = "OpportunityContactRole"
_CUSTOM_ROLE_FIELDS: Final = 47.0
_FIRST: Final = {
    "Opportunity": {"contactid": 46.0},
    _ROLE: {"currencyisocode": 47.0},
    "OpportunityStage": {"apiname": 36.0},
}
_NONE: Final[frozenset[str]] = frozenset()


def fields_to_come(sobject: SObject, version: str) -> frozenset[str]:
    """Return the lower-case names of the fields that a version lacks; of no version, none."""
    first = _FIRST.get(sobject.name)
    if first is None or not version:
        return _NONE
    number = float(version)
    lacking = {name for name, since in first.items() if number < since}
    if sobject.name == _ROLE and number < _CUSTOM_ROLE_FIELDS:
        lacking |= {name for name, field in sobject.fields.items() if field.custom}
    return frozenset(lacking) if lacking else _NONE
