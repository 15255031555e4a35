"""Deals with products and person accounts, each sentence shown on the emulated org."""

import tomllib
from pathlib import Path

import pytest
from command_line import warm_sfsync
from deal_desk import DealDesk, change_of, deal_desk, has_nothing_to_write, notes, row
from main_job_bench import ORG_FILE

from sfsync.core.plans.plan import Action
from sfsync.errors import ConfigError


def add_product(desk: DealDesk, key: str, price: float) -> None:
    """Gives a deal a line item of that price."""
    book = desk.emulator.org.storage.select("Pricebook2", '"IsStandard" = 1')[0]["Id"]
    product = desk.create("Product2", Name="Sneaker", IsActive=True)
    entry = desk.create(
        "PricebookEntry", Pricebook2Id=book, Product2Id=product, UnitPrice=price, IsActive=True
    )
    deal = desk.deal(key)["Id"]
    desk.create(
        "OpportunityLineItem", OpportunityId=deal, PricebookEntryId=entry, Quantity=1, UnitPrice=price
    )


def test_the_amount_of_a_deal_with_products_is_never_sent_and_the_plan_says_why(tmp_path: Path) -> None:
    """The rest of the row goes, and the next run has nothing to do but to say it again."""
    with deal_desk(tmp_path) as desk:
        desk.bring(row(), row("D-2"))
        add_product(desk, "D-1", 70.0)
        desk.write(row(amount="250.00", close="2027-02-28"), row("D-2", amount="250.00"))
        made = desk.plan()
        assert sorted(change_of(made).values) == ["CloseDate"]
        assert change_of(made, "D-2").action is Action.UPDATE
        assert notes(made)["AMOUNT_FROM_PRODUCTS"].startswith("1 deal has products")
        shown = warm_sfsync("plan", desk.job, environ=desk.environ, cwd=desk.folder).out
        assert "(the amount stays 70.0, the sum of the deal's products; 250.00 is not sent)" in shown
        assert desk.run().exit_code == 0
        assert [desk.deal(key)["Amount"] for key in ("D-1", "D-2")] == [70.0, 250.0]
        assert has_nothing_to_write(desk)


def test_a_deal_with_products_is_won_with_the_amount_of_its_products(tmp_path: Path) -> None:
    """The row need not say one."""
    with deal_desk(tmp_path) as desk:
        desk.bring(row(amount=""))
        add_product(desk, "D-1", 70.0)
        desk.bring(row(amount="", stage="Closed Won"))
        assert desk.deal("D-1")["StageName"] == "Closed Won"


PEOPLE = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
PEOPLE["organization"]["person_accounts"] = True
ACCOUNTS = """
org = "local"
[accounts]
file = "accounts.csv"
key = "Sfsync_Key__c"
[accounts.fields]
Sfsync_Key__c = "id"
"""


def people(desk: DealDesk, fields: str, cells: str) -> None:
    """Makes a job of one account."""
    (desk.folder / "accounts.toml").write_text(ACCOUNTS + fields)
    (desk.folder / "accounts.csv").write_text(cells)
    desk.job = str(desk.folder / "accounts.toml")


def test_a_deal_may_refer_to_a_person_account_by_name(tmp_path: Path) -> None:
    """Its name is the person's."""
    with deal_desk(tmp_path, PEOPLE) as desk:
        person = desk.create("Account", FirstName="Lynn", LastName="Ostrom")
        rule = '{ column = "account", match = "Name" }'
        desk.bring(row(account="Lynn Ostrom"), columns=("account",), AccountId=rule)
        assert desk.deal("D-1")["AccountId"] == person


def test_person_accounts_are_neither_created_nor_changed_and_named_as_the_reason(tmp_path: Path) -> None:
    """A job that maps their fields is refused; a row that meets one by its key is a problem."""
    with deal_desk(tmp_path, PEOPLE) as desk:
        people(desk, 'LastName = "last"', "id,last\nP-1,Ostrom\n")
        with pytest.raises(ConfigError, match="does not write person accounts") as error:
            desk.plan()
        assert error.value.code == "PERSON_ACCOUNT"
        desk.create("Account", LastName="Ostrom", Sfsync_Key__c="P-1")
        people(desk, 'Name = "name"', "id,name\nP-1,Lynn Ostrom\nP-2,Ostrom Ltd\n")
        assert desk.run().codes() == {"Account:P-1": "PERSON_ACCOUNT"}
