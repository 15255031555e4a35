"""What the platform derives on a deal: stage, probability, forecast, fiscal period, expected revenue.

Pure apart from reading the org's stages; called by `saving.py` on a row that is already checked. The
doubtful points (explicit probability, unknown stage, stage sent again) follow the org's switches.
Source: Object Reference, Opportunity [D].
"""

from typing import TYPE_CHECKING, Final

from sfsync.emulator.org.building import CATEGORY_NAMES, Stage
from sfsync.emulator.org.schema import RecordType, SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.access import record_type_of
from sfsync.emulator.rules.field_checks import bad_picklist_value
from sfsync.emulator.rules.money import exact, product, rounded
from sfsync.emulator.switches import SameStage, StageOutsideProcess, StageWithProbability, UnknownStage

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_MONTHS_IN_QUARTER: Final = 3
_CATEGORY_BY_NAME: Final = {name: category for category, name in CATEGORY_NAMES.items()}


def check_offered_values(call: "Call", sobject: SObject, row: Row, *, sent: Row) -> None:
    """Refuse sent values that the org or the record type does not offer, where that is asked for.

    Raises: RowRefusedError INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST.
    """
    kind = record_type_of(sobject, row) if sobject.record_types else None
    for name in kind.picklists if kind else ():
        field, value = sobject.field_named(name), sent.get(name)
        if kind is None or field is None or value is None or not field.restricted:
            continue
        outside = [part for part in str(value).split(";") if not kind.offers(name, part)]
        if outside:
            raise bad_picklist_value(field, outside[0])
    if sobject.name == "Opportunity" and sent.get("StageName") is not None:
        _check_stage(call, sobject, sent["StageName"], kind)


def _check_stage(call: "Call", sobject: SObject, name: str, kind: RecordType | None) -> None:
    switches = call.org.switches
    unknown = switches.unknown_stage is UnknownStage.REFUSE and name not in call.org.stages
    refuses = switches.stage_outside_process is StageOutsideProcess.REFUSE
    if unknown or (refuses and kind and not kind.offers("StageName", name)):
        raise bad_picklist_value(sobject.fields["stagename"], name)


def derive(call: "Call", row: Row, *, sent: Row, before: Row | None) -> Row:
    """Return the derived columns of a deal, given the full row, what was sent and what was stored."""
    derived = _from_stage(call, row, sent=sent, before=before)
    merged = {**row, **derived}
    derived["ForecastCategory"] = _CATEGORY_BY_NAME.get(str(merged.get("ForecastCategoryName")), "Pipeline")
    derived["ExpectedRevenue"] = expected_revenue(merged)
    return {**derived, **_fiscal_period(call, merged["CloseDate"])}


def expected_revenue(row: Row) -> float | None:
    """Return what a deal is expected to bring; nothing without an amount."""
    if row.get("Amount") is None:
        return None
    return product(row["Amount"], (row.get("Probability") or 0.0) / 100.0)


def convert_amount(call: "Call", row: Row, *, sent: Row, before: Row) -> None:
    """Convert the amount of a deal that changes its currency, unless an amount was sent with it."""
    old, new, amount = before.get("CurrencyIsoCode"), row.get("CurrencyIsoCode"), row.get("Amount")
    if old is None or new is None or old == new or amount is None or "Amount" in sent:
        return
    rates = call.org.currencies
    row["Amount"] = rounded(exact(amount) * exact(rates[new]) / exact(rates[old]))


def _from_stage(call: "Call", row: Row, *, sent: Row, before: Row | None) -> Row:
    switches = call.org.switches
    changed = before is None or row["StageName"] != before["StageName"]
    if not changed and not ("StageName" in sent and switches.same_stage is SameStage.RECOMPUTE):
        return {}
    stage = call.org.stages.get(row["StageName"]) or Stage(row["StageName"], 0, "Pipeline")
    derived: Row = {
        "IsClosed": int(stage.closed),
        "IsWon": int(stage.won),
        "Probability": float(stage.probability),
        "ForecastCategoryName": stage.category_name,
    }
    if before is not None and changed:
        derived["LastStageChangeDate"] = call.now_stamp
    if switches.stage_with_probability is StageWithProbability.EXPLICIT_WINS:
        for name in ("Probability", "ForecastCategoryName"):
            if sent.get(name) is not None:
                derived[name] = sent[name]
    return derived


def _fiscal_period(call: "Call", close_date: str) -> Row:
    first_month = call.org.fiscal_year_start
    year, month = int(close_date[:4]), int(close_date[5:7])
    quarter = (month - first_month) % 12 // _MONTHS_IN_QUARTER + 1
    started = year if month >= first_month else year - 1
    shifted = first_month != 1 and not call.org.fiscal_year_named_by_start
    fiscal_year = started + 1 if shifted else started
    return {"FiscalYear": fiscal_year, "FiscalQuarter": quarter, "Fiscal": f"{fiscal_year} {quarter}"}
