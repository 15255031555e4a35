"""What the platform derives on a deal: stage, probability, forecast, fiscal period, expected revenue.

Pure apart from reading the org's stages; called by `saving.py` on a row that is already checked. The
doubtful points (explicit probability, unknown stage, stage sent again) follow the org's switches.
Source: Object Reference, Opportunity [D].
"""

from typing import TYPE_CHECKING, Final

from sfsync.emulator.org.building import CATEGORY_NAMES, Stage
from sfsync.emulator.org.schema import SObject
from sfsync.emulator.org.storage import Row
from sfsync.emulator.rules.field_checks import bad_picklist_value
from sfsync.emulator.switches import SameStage, StageOutsideProcess, StageWithProbability, UnknownStage

if TYPE_CHECKING:
    from sfsync.emulator.call import Call

_MONTHS_IN_QUARTER: Final = 3
_CATEGORY_BY_NAME: Final = {name: category for category, name in CATEGORY_NAMES.items()}


def check_stage(call: "Call", sobject: SObject, row: Row) -> None:
    """Apply the switches on stages that the org or the record type lacks.

    Raises: RowRefusedError when the switch refuses the stage.
    """
    name, switches, field = row["StageName"], call.org.switches, sobject.fields["stagename"]
    if switches.unknown_stage is UnknownStage.REFUSE and name not in call.org.stages:
        raise bad_picklist_value(field, name)
    if switches.stage_outside_process is StageOutsideProcess.ACCEPT:
        return
    kind = next((kind for kind in sobject.record_types if kind.id == row.get("RecordTypeId")), None)
    if kind and kind.stages and name not in kind.stages:
        raise bad_picklist_value(field, name)


def derive(call: "Call", row: Row, *, sent: Row, before: Row | None) -> Row:
    """Return the derived columns of a deal, given the full row, what was sent and what was stored."""
    derived = _from_stage(call, row, sent=sent, before=before)
    merged = {**row, **derived}
    derived["ForecastCategory"] = _CATEGORY_BY_NAME.get(str(merged.get("ForecastCategoryName")), "Pipeline")
    amount, probability = merged.get("Amount"), merged.get("Probability")
    derived["ExpectedRevenue"] = None if amount is None else amount * (probability or 0.0) / 100.0
    return {**derived, **_fiscal_period(merged["CloseDate"], call.org.fiscal_year_start)}


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


def _fiscal_period(close_date: str, first_month: int) -> Row:
    year, month = int(close_date[:4]), int(close_date[5:7])
    months = (month - first_month) % 12
    fiscal_year = year if first_month == 1 or month < first_month else year + 1
    quarter = months // _MONTHS_IN_QUARTER + 1
    return {"FiscalYear": fiscal_year, "FiscalQuarter": quarter, "Fiscal": f"{fiscal_year} {quarter}"}


def without_ignored_amount(row: Row, changes: Row) -> Row:
    """Return the changes without an Amount sent to a deal with products, which is ignored in silence."""
    if row.get("HasOpportunityLineItem") and "Amount" in changes:
        return {name: value for name, value in changes.items() if name != "Amount"}
    return changes
