"""Which fields of a deal a forecast needs, and how a plan gets to know them without a call of their own.

They ride along in the read that finds the deals, and so do the names of their owners (`Owner.Name`); the names of
owners that rows ask for come with the look-up that turns them into ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from sfsync.core.deals.forecast_basis import Deal, ForecastBasis
from sfsync.core.deals.stages import StageInfo
from sfsync.core.diff import scale_of
from sfsync.core.orgs.describe import SObjectDescribe
from sfsync.core.plans.plan import WRITES, Change
from sfsync.core.ports import Record
from sfsync.core.sobject import OPPORTUNITY, record_id
from sfsync.core.values import from_json

FIELDS: Final = (
    "StageName",
    "ForecastCategoryName",
    "Probability",
    "Amount",
    "CloseDate",
    "OwnerId",
    "CurrencyIsoCode",
)
_OWNER: Final = "Owner"


def forecast_fields(describe: SObjectDescribe) -> tuple[str, ...]:
    """The fields that the user may see, as a query names them. Source: SOQL and SOSL Reference, relationships."""
    seen = [name for name in FIELDS if describe.field(name) is not None]
    owner = describe.field("OwnerId")
    has_names = owner is not None and owner.relationship_name == _OWNER
    return (*seen, f"{_OWNER}.Name") if has_names else tuple(seen)


def forecast_basis(
    changes: Iterable[Change],
    records: Iterable[Record],
    describe: SObjectDescribe,
    *,
    stages: Mapping[str, StageInfo],
    owners: Mapping[str, str],
    fiscal_year_start: int | None,
) -> ForecastBasis:
    """What a plan of those changes carries: the deals among `records`, read with `forecast_fields`, that it writes.

    `owners` are names known from elsewhere, by user id.
    """
    deals = [each for each in changes if each.sobject == OPPORTUNITY and each.action in WRITES]
    written = {each.record_id for each in deals if each.record_id}
    known = {name: each for each in records if (name := _id(each["Id"])) in written}
    were = {name: deal_of(each, describe) for name, each in known.items()}
    asked = {str(each.values["OwnerId"]) for each in deals if each.values.get("OwnerId")}
    names = {were[name].owner: _owner_name(each) for name, each in known.items()}
    names = {name: owners[name] for name in asked & owners.keys()} | names
    return ForecastBasis(
        deals=were,
        stages=stages,
        owners={name: label for name, label in sorted(names.items()) if name and label},
        fiscal_year_start=fiscal_year_start,
        decimals=decimals_of_amount(describe),
    )


def decimals_of_amount(describe: SObjectDescribe) -> int:
    """The decimals that the org keeps of an amount; two where it does not show the field."""
    scale = scale_of(describe.field("Amount"))
    return 2 if scale is None else scale


def deal_of(record: Record, describe: SObjectDescribe) -> Deal:
    """A record as a forecast sees it."""
    values = {
        name: from_json(record.get(name), known.type)
        for name in FIELDS
        if (known := describe.field(name)) is not None
    }
    probability, amount, close_date = (values.get(name) for name in ("Probability", "Amount", "CloseDate"))
    return Deal(
        stage=_text(values.get("StageName")),
        category=_text(values.get("ForecastCategoryName")),
        probability=probability if isinstance(probability, Decimal) else None,
        amount=amount if isinstance(amount, Decimal) else None,
        close_date=close_date if isinstance(close_date, date) else None,
        owner=_id(record.get("OwnerId")),
        currency=_text(values.get("CurrencyIsoCode")),
    )


def _owner_name(record: Record) -> str:
    owner = record.get(_OWNER)
    return _text(owner.get("Name")) if isinstance(owner, Mapping) else ""


def _id(value: object) -> str:
    text = _text(value)
    return record_id(text) or text


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
