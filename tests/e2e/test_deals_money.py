"""Money and currencies, each sentence shown on the emulated org."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from deal_desk import change_of, deal_desk, has_nothing_to_write, problems, row
from main_job_bench import ORG_FILE

from sfsync.core.plans.plan import Action
from sfsync.core.plans.plan_codec import dump_plan, load_plan
from sfsync.errors import ConfigError

CURRENCY = {"columns": ("currency",), "CurrencyIsoCode": '"currency"'}


def test_a_currency_in_an_org_with_one_is_a_mistake_of_the_job(tmp_path: Path) -> None:
    """It is refused by name, with what to do."""
    with deal_desk(tmp_path) as desk:
        desk.write(row(currency="USD"), **CURRENCY)
        with pytest.raises(ConfigError, match="this org has one currency") as error:
            desk.plan()
        assert error.value.code == "SINGLE_CURRENCY"
        assert "Take the rule out" in str(error.value)


def test_only_active_currencies_of_the_org_are_taken(tmp_path: Path) -> None:
    """Others are problems of their rows, with the nearest codes."""
    org = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    org["organization"]["currencies"] = ["USD", "EUR"]
    with deal_desk(tmp_path, org) as desk:
        desk.write(row(currency="EUR"), row("D-2", currency="EURO"), row("D-3", currency=""), **CURRENCY)
        made = desk.plan()
        assert change_of(made).action is Action.CREATE
        [(code, column, hint)] = problems(made, "D-2")
        assert (code, column, '"EUR"' in hint) == ("UNKNOWN_CURRENCY", "currency", True)
        desk.run()
        assert [desk.deal(key)["CurrencyIsoCode"] for key in ("D-1", "D-3")] == ["EUR", "USD"]


def test_an_amount_is_exact_from_a_json_number_to_the_org(tmp_path: Path) -> None:
    """A number that no binary fraction can hold goes through source, plan, saved plan and org as it is."""
    amount = "9999999999999.99"
    with deal_desk(tmp_path) as desk:
        desk.write(row())
        job = desk.folder / "deals.toml"
        job.write_text(job.read_text().replace("deals.csv", "deals.json"))
        (desk.folder / "deals.json").write_text(json.dumps([row()]).replace('"100.00"', amount))
        made = desk.plan()
        assert change_of(made).values["Amount"] == Decimal(amount)
        assert change_of(load_plan(dump_plan(made))).values["Amount"] == Decimal(amount)
        assert desk.run().exit_code == 0
        assert repr(desk.deal("D-1")["Amount"]) == amount
        assert has_nothing_to_write(desk)
