"""Numbers and dates as a job declares them, each sentence shown on the emulated org."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from deal_desk import DealDesk, deal_desk, has_nothing_to_write, problems, row
from main_job_bench import ORG_FILE
from safety_desk import SafetyDesk

from sfsync.core.plans.plan import Action
from sfsync.emulator.server import running
from sfsync.errors import ConfigError

NNBSP, NBSP = "\u202f", "\u00a0"

FILES = {
    "de_DE": ("D.M.Y", [("1.234,50 €", "3.4.2027"), ("1.234", "30.09.2027"), ("(1.000,00)", "31.12.2027")]),
    "fr_FR": (
        "D/M/Y",
        [(f"1{NNBSP}234,50{NBSP}€", "3/4/2027"), ("1 234", "30/09/2027"), ("-1000,00", "31/12/2027")],
    ),
    "en_IN": ("D-M-Y", [("₹1,234.50", "03-04-2027"), ("1,234", "30-09-2027"), ("(1,000.00)", "31-12-2027")]),
}
"""The same three deals as a German, a French and an Indian file have them."""

MEANT = [(Decimal("1234.50"), "2027-04-03"), (Decimal(1234), "2027-09-30"), (Decimal(-1000), "2027-12-31")]


def rows_of(locale: str) -> list[dict[str, str]]:
    """The rows of a file."""
    cells = FILES[locale][1]
    return [
        row(f"D-{number}", amount=amount, close=day) for number, (amount, day) in enumerate(cells, start=1)
    ]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DealDesk]:
    """A desk whose deals have a custom number, percentage, date and moment besides."""
    org = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    more: list[dict[str, Any]] = [
        {"name": "Weight__c", "type": "Number", "precision": 10, "scale": 3},
        {"name": "Discount__c", "type": "Percent", "precision": 5, "scale": 2},
        {"name": "Signed__c", "type": "Date"},
        {"name": "Seen__c", "type": "DateTime"},
    ]
    org["fields"] += [{"object": "Opportunity", "label": each["name"][:-3], **each} for each in more]
    with deal_desk(tmp_path, org) as made:
        yield made


def codes(desk: DealDesk, *keys: str) -> list[list[str]]:
    """The codes of the problems of these rows, as planned now."""
    made = desk.plan()
    return [[code for code, _, _ in problems(made, key)] for key in keys]


@pytest.mark.parametrize("locale", FILES)
def test_a_file_of_a_declared_locale_becomes_the_deals_that_it_means(desk: DealDesk, locale: str) -> None:
    """Amounts to the last digit and days as they were meant; the next run finds nothing to do."""
    options = f'numbers = "{locale}"\ndates = "{FILES[locale][0]}"'
    desk.bring(*rows_of(locale), options=options)
    held = [desk.deal(f"D-{number}") for number in (1, 2, 3)]
    assert [(Decimal(str(each["Amount"])), each["CloseDate"]) for each in held] == MEANT
    assert has_nothing_to_write(desk)


@pytest.mark.parametrize("locale", FILES)
def test_the_same_file_undeclared_is_problems_and_never_a_wrong_value(desk: DealDesk, locale: str) -> None:
    """No row passes, and no deal is written."""
    desk.write(*rows_of(locale))
    made = desk.plan()
    assert {each.action for each in made.changes} == {Action.REJECT}
    for number in (1, 2, 3):
        assert {code for code, _, _ in problems(made, f"D-{number}")} <= {"BAD_VALUE", "BAD_NUMBER"}


@pytest.mark.parametrize("cell", ["1.234", "1.000", "-250.000"])
def test_three_digits_behind_a_point_are_two_numbers_until_the_job_says_which(
    desk: DealDesk, cell: str
) -> None:
    """A German thousand never becomes one; plain says that it is decimals. A number of JSON is what it is."""
    desk.write(row(amount=cell))
    [(code, _, hint)] = problems(desk.plan())
    assert code == "BAD_NUMBER"
    assert 'numbers = "plain" reads' in hint
    assert 'numbers = "de_DE" reads' in hint
    columns, rule = ("weight",), {"Weight__c": '{ column = "weight", numbers = "plain" }'}
    desk.bring(row(weight=cell), columns=columns, **rule)
    assert desk.deal("D-1")["Weight__c"] == float(cell)


def test_a_date_that_could_be_two_days_says_both_and_what_declares_each(desk: DealDesk) -> None:
    """The hint gives the readings with the key of the job and the flag of the import."""
    desk.write(row(close="03/04/2027"))
    [(code, column, hint)] = problems(desk.plan())
    assert (code, column) == ("BAD_VALUE", "close")
    assert 'dates = "D/M/Y" reads 2027-04-03' in hint
    assert 'dates = "M/D/Y" reads 2027-03-04' in hint
    assert "--date-format D/M/Y or --date-format M/D/Y" in hint


def test_a_number_that_could_be_two_says_both_and_what_declares_each(desk: DealDesk) -> None:
    """A comma is a thousand here and a decimal mark there."""
    desk.write(row(amount="1,234"))
    [(_, column, hint)] = problems(desk.plan())
    assert column == "amount"
    assert 'numbers = "en_US" reads 1234' in hint
    assert 'numbers = "de_DE" reads 1.234' in hint


def test_a_cell_of_another_locale_than_declared_is_a_problem(desk: DealDesk) -> None:
    """An English number in a German file is not read as something else."""
    desk.write(
        row(amount="1,234.50"),
        row("D-2", amount="12.50"),
        row("D-3", amount="1e400"),
        options='numbers = "de_DE"',
    )
    assert codes(desk, "D-1", "D-2", "D-3") == [["BAD_NUMBER"]] * 3


def test_custom_fields_follow_the_section_by_their_type_and_text_is_left_alone(desk: DealDesk) -> None:
    """Numbers, percentages and dates of the org's own are read like Amount and CloseDate; a name is a name."""
    columns = ("weight", "discount", "signed")
    rules = {"Weight__c": '"weight"', "Discount__c": '"discount"', "Signed__c": '"signed"'}
    given = row(
        name="1.234",
        close="31.1.2027",
        amount="1,5",
        weight="1.234,567",
        discount="12,5 %",
        signed="1.2.2026",
    )
    desk.bring(given, columns=columns, options='numbers = "de_DE"\ndates = "D.M.Y"', **rules)
    held = desk.deal("D-1")
    assert (held["Name"], held["Weight__c"], held["Discount__c"]) == ("1.234", 1234.567, 12.5)
    assert (held["Amount"], held["Signed__c"]) == (1.5, "2026-02-01")


def test_a_rule_says_it_otherwise_than_its_section(desk: DealDesk) -> None:
    """One column of a German file is plain, and one date is ISO."""
    rules = {
        "Weight__c": '{ column = "weight", numbers = "plain" }',
        "CloseDate": '{ column = "close", format = "iso" }',
    }
    options = 'numbers = "de_DE"\ndates = "D.M.Y"'
    desk.bring(row(amount="1.234", weight="1.234"), columns=("weight",), options=options, **rules)
    held = desk.deal("D-1")
    assert (held["Amount"], held["Weight__c"], held["CloseDate"]) == (1234, 1.234, "2027-01-31")


def test_a_percent_sign_belongs_to_percent_fields(desk: DealDesk) -> None:
    """A percentage as an amount is a problem."""
    desk.write(row(amount="75 %"), options='numbers = "en_US"')
    assert codes(desk, "D-1") == [["BAD_NUMBER"]]


def test_a_probability_from_0_to_1_is_multiplied_exactly(desk: DealDesk) -> None:
    """0.07 becomes 7, not 7.000000000000001; a cell that says percent already is a problem."""
    rules = {"Probability": '{ column = "probability", times = "100" }'}
    desk.bring(row(probability="0.07"), columns=("probability",), **rules)
    assert desk.deal("D-1")["Probability"] == 7
    rules = {"Probability": '{ column = "probability", times = "100", numbers = "de_DE" }'}
    desk.write(row(probability="75 %"), columns=("probability",), **rules)
    assert codes(desk, "D-1") == [["BAD_NUMBER"]]


@pytest.mark.parametrize(
    ("dates", "cell"),
    [
        ("iso-minutes", "2027-04-03 14:05"),
        ("excel-serial", "46480"),
        ("excel-serial-day", "46480.5868"),
        ("excel-serial-1904", "45018"),
        ("epoch-ms", "1806710400000"),
        ("epoch-s", "1806710400"),
        ("D MMM Y de_DE", "3. April 2027"),
        ("MMM D Y en_US", "Apr 3, 2027"),
        ("%d.%m.%y", "03.04.27"),
    ],
)
def test_a_day_in_any_declared_form_is_that_day(desk: DealDesk, dates: str, cell: str) -> None:
    """Date-times, Excel's days, epoch times, months in words, strptime."""
    desk.bring(row(close=cell), options=f'dates = "{dates}"')
    assert desk.deal("D-1")["CloseDate"] == "2027-04-03"


@pytest.mark.parametrize(
    ("dates", "cell"),
    [
        ("iso-minutes", "2027-04-03T14:05Z"),
        ("excel-serial", "46480.5868"),
        ("excel-serial", "60"),
        ("epoch-ms", "1806710400"),
        ("epoch-s", "1806710400000"),
        ("M/D/Y", "13/02/2027"),
        ("D/M/Y", "3/4/27"),
    ],
)
def test_a_day_in_another_form_than_declared_is_a_problem(desk: DealDesk, dates: str, cell: str) -> None:
    """An offset, a time of day, a day that never was, another unit, another order, a short year."""
    desk.write(row(close=cell), options=f'dates = "{dates}"')
    assert codes(desk, "D-1") == [["BAD_DATE"]]


def test_an_epoch_time_is_a_moment_in_a_date_time_field(desk: DealDesk) -> None:
    """It has a zone, which is UTC; forms that have none are refused for such a field by the job's check."""
    rules = {"Seen__c": '"seen"'}
    given = row(close="1806710400000", seen="1806761100000")
    desk.bring(given, columns=("seen",), options='dates = "epoch-ms"', **rules)
    assert desk.deal("D-1")["Seen__c"].startswith("2027-04-03T14:05:00")
    desk.write(row(seen="x"), columns=("seen",), Seen__c='{ column = "seen", format = "excel-serial" }')
    with pytest.raises(ConfigError) as error:
        desk.plan()
    assert error.value.code == "NO_ZONE"


def test_a_currency_that_contradicts_the_rows_own_is_a_problem(tmp_path: Path) -> None:
    """Euros in a row of dollars; a symbol that several currencies share contradicts none of them."""
    org = tomllib.loads(ORG_FILE.read_text(encoding="utf-8"))
    org["organization"]["currencies"] = ["USD", "EUR", "CAD"]
    with deal_desk(tmp_path, org) as desk:
        rows = [
            row(amount="$5", currency="CAD"),
            row("D-2", amount="€5", currency="USD"),
            row("D-3", amount="EUR 5", currency="EUR"),
        ]
        desk.write(*rows, columns=("currency",), options='numbers = "en_US"', CurrencyIsoCode='"currency"')
        assert codes(desk, "D-1", "D-2", "D-3") == [[], ["OTHER_CURRENCY"], []]


def test_the_cells_of_a_made_parent_follow_the_section_too(desk: DealDesk) -> None:
    """An account that the run makes gets the revenue that the German file means, or none is made."""
    rules = {
        "AccountId": '{ column = "customer", match = ["Name"], missing = "create", '
        'create = { AnnualRevenue = "revenue" } }'
    }
    given = [row(customer="Acme", revenue="1.234"), row("D-2", customer="Bolt", revenue="1.5")]
    for each in given:
        each["amount"] = "1,5"
    desk.write(*given, columns=("customer", "revenue"), options='numbers = "de_DE"', **rules)
    made = desk.plan()
    [account] = [each for each in made.changes if each.sobject == "Account"]
    assert account.values["AnnualRevenue"] == Decimal(1234)
    assert [code for code, _, _ in problems(made, "D-2")] == ["BAD_NUMBER"]


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ('NextStep = { column = "name", numbers = "de_DE" }', "NOT_A_NUMBER_FIELD"),
        ('NextStep = { column = "name", times = "2" }', "NOT_A_NUMBER_FIELD"),
        ('Weight__c = { column = "name", format = "D.M.Y" }', "NOT_A_DATE_FIELD"),
        ('Signed__c = { column = "close", format = "D.M.Y", default = "2027-01-31" }', "BAD_DATE"),
        ('Weight__c = { constant = "1.5", numbers = "de_DE" }', "BAD_NUMBER"),
    ],
)
def test_a_declaration_that_does_not_suit_its_field_stops_the_job(
    desk: DealDesk, rule: str, code: str
) -> None:
    """It is the job's mistake, found before the first row; so are its own words that are written otherwise."""
    name, _, words = rule.partition(" = ")
    desk.write(row(), **{name: words})
    with pytest.raises(ConfigError) as error:
        desk.plan()
    assert error.value.code == code


IMPORT = (
    "import",
    "deals.csv",
    "--key",
    "id",
    "-o",
    "local",
    "--map",
    "close=CloseDate",
    "--map",
    "sum=Amount",
)


@pytest.mark.parametrize("locale", FILES)
def test_an_import_says_numbers_and_dates_by_options(tmp_path: Path, locale: str) -> None:
    """The same files without a job; undeclared they are refused row by row."""
    with running(ORG_FILE) as emulator:
        desk = SafetyDesk(emulator, tmp_path)
        lines = [
            f'D-{number},Deal {number},Prospecting,{day},"{amount}"'
            for number, (amount, day) in enumerate(FILES[locale][1], start=1)
        ]
        (tmp_path / "deals.csv").write_text(
            "id,name,stage,close,sum\n" + "\n".join(lines) + "\n", encoding="utf-8"
        )
        undeclared = desk.command(*IMPORT, "--json", "--yes")
        assert (undeclared.exit_code, desk.deals("Deal 1")) == (3, [])
        done = desk.command(*IMPORT, "--numbers", locale, "--date-format", FILES[locale][0], "--yes")
        assert done.exit_code == 0, done.out + done.err
        held = [desk.deals(f"Deal {number}")[0] for number in (1, 2, 3)]
        assert [(Decimal(str(each["Amount"])), each["CloseDate"]) for each in held] == MEANT


def test_an_import_names_near_locales_and_forms(tmp_path: Path) -> None:
    """A slip in an option costs no call."""
    with running(ORG_FILE) as emulator:
        desk = SafetyDesk(emulator, tmp_path)
        (tmp_path / "deals.csv").write_text("id,name,stage,close,sum\n")
        wrong = desk.command(*IMPORT, "--numbers", "de_DEE")
        assert wrong.exit_code == 2
        assert '--numbers: "de_DEE" is no locale' in wrong.err
        assert '"de_DE"' in wrong.err
        wrong = desk.command(*IMPORT, "--date-format", "excel_serial")
        assert wrong.exit_code == 2
        assert 'did you mean "excel-serial"?' in wrong.err


def test_an_import_by_a_job_takes_the_options_in_place_of_the_jobs(tmp_path: Path) -> None:
    """A colleague's file in another locale goes by the same mapping."""
    with running(ORG_FILE) as emulator:
        desk = SafetyDesk(emulator, tmp_path)
        desk.write("")
        (tmp_path / "other.csv").write_text("id,name,stage,close\nD-1,Deal 1,Prospecting,03/04/2027\n")
        words = ("import", "other.csv", "--job", "./job.toml", "-o", "local", "--yes")
        assert desk.command(*words).exit_code == 3
        assert desk.command(*words, "--date-format", "M/D/Y").exit_code == 0
        assert desk.deals("Deal 1")[0]["CloseDate"] == "2027-03-04"
