"""Price books, products and line items, and what they do to the amount and the currency of a deal."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from emulator_client import DEAL, Client
from facts import fact, side
from switching import switched

from sfsync.emulator.server import running


@dataclass
class Shop:
    """An org with a product in two price books."""

    org: Client
    product: str
    standard: str
    retail: str
    standard_book: str
    retail_book: str

    def code(self, sobject: str, **values: object) -> str:
        """Return the code with which a create is refused."""
        answer = self.org.call("POST", f"/sobjects/{sobject}", values)
        assert answer.status_code == 400, answer.text
        return str(answer.json()[0]["errorCode"])

    def add(self, deal: str, entry: str, quantity: float = 1, **values: object) -> str:
        """Add a line item to a deal."""
        values = {"OpportunityId": deal, "PricebookEntryId": entry, "Quantity": quantity, **values}
        return self.org.create("OpportunityLineItem", **values)


@pytest.fixture
def shop(org: Client) -> Iterator[Shop]:
    """Offer one new product in the standard price book and another one."""
    (book,) = org.query("SELECT Id FROM Pricebook2 WHERE IsStandard = true")
    retail_book = org.create("Pricebook2", Name="Retail", IsActive=True)
    product = org.create("Product2", Name="Cloud Runner", ProductCode="CR", IsActive=True)
    entry = {"Product2Id": product, "UnitPrice": 89.95, "IsActive": True}
    standard = org.create("PricebookEntry", Pricebook2Id=book["Id"], **entry)
    retail = org.create("PricebookEntry", Pricebook2Id=retail_book, **entry)
    return Shop(org, product, standard, retail, book["Id"], retail_book)


def test_entries_of_price_books(shop: Shop):
    """A product needs a standard price first, and is in a price book once. Object Reference, PricebookEntry."""
    new = shop.org.create("Product2", Name="New")
    entry = {"Product2Id": new, "UnitPrice": 1, "Pricebook2Id": shop.retail_book}
    assert shop.code("PricebookEntry", **entry) == "STANDARD_PRICE_NOT_DEFINED"
    twice = {**entry, "Product2Id": shop.product}
    assert shop.code("PricebookEntry", **twice) == "FIELD_INTEGRITY_EXCEPTION"
    assert shop.org.get("PricebookEntry", shop.retail)["ProductCode"] == "CR"


@fact("1.3-line-item", "1.3-amount-ignored", "1.3-price-book")
def test_line_items_make_the_amount(shop: Shop):
    """The amount is the exact sum of the totals, and a sent one is ignored in silence. Source: facts 1.3 [D]."""
    deal = shop.org.deal(Amount=5, Probability=50)
    shop.add(deal, shop.retail, UnitPrice=0.1)
    shop.add(deal, shop.retail, quantity=2, TotalPrice=0.2)
    shown = shop.org.get("Opportunity", deal)
    assert (shown["HasOpportunityLineItem"], shown["Amount"], shown["Pricebook2Id"]) == (
        True,
        0.3,
        shop.retail_book,
    )
    assert shown["ExpectedRevenue"] == 0.15
    answer = shop.org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Amount": 9, "NextStep": "saved"})
    assert answer.status_code == 204
    shown = shop.org.get("Opportunity", deal)
    assert (shown["Amount"], shown["NextStep"]) == (0.3, "saved")


@fact("1.3-price-book", "7.3-integrity")
def test_the_price_book_is_fixed_while_there_are_line_items(shop: Shop):
    """Another price book, or an entry of one, is refused until the last line item went. Source: facts 1.3 [D]."""
    deal = shop.org.deal()
    item = shop.add(deal, shop.retail, UnitPrice=10)
    moved = {"Pricebook2Id": shop.standard_book}
    answer = shop.org.call("PATCH", f"/sobjects/Opportunity/{deal}", moved)
    assert answer.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    foreign = {"OpportunityId": deal, "PricebookEntryId": shop.standard, "Quantity": 1, "UnitPrice": 1}
    assert shop.code("OpportunityLineItem", **foreign) == "FIELD_INTEGRITY_EXCEPTION"
    shop.org.call("DELETE", f"/sobjects/OpportunityLineItem/{item}")
    assert shop.org.call("PATCH", f"/sobjects/Opportunity/{deal}", moved).status_code == 204


def test_prices_of_a_line_item(shop: Shop):
    """Total and unit price follow each other and the discount. Object Reference, OpportunityLineItem [D]."""
    deal = shop.org.deal()
    item = shop.add(deal, shop.retail, quantity=3, UnitPrice=19.99, Discount=10)
    shown = shop.org.get("OpportunityLineItem", item)
    assert (shown["TotalPrice"], shown["ListPrice"], shown["ProductCode"]) == (53.97, 89.95, "CR")
    shop.org.call("PATCH", f"/sobjects/OpportunityLineItem/{item}", {"Quantity": 1, "Discount": None})
    assert shop.org.get("Opportunity", deal)["Amount"] == 19.99
    shop.org.call("PATCH", f"/sobjects/OpportunityLineItem/{item}", {"TotalPrice": 30})
    assert shop.org.get("OpportunityLineItem", item)["UnitPrice"] == 30.0
    bare = {"OpportunityId": deal, "PricebookEntryId": shop.retail, "Quantity": 1}
    assert shop.code("OpportunityLineItem", **bare) == "REQUIRED_FIELD_MISSING"


@pytest.mark.parametrize(
    ("switch", "amount"),
    [
        pytest.param("keep_amount", 10.0, marks=side("last_product_deleted", "keep_amount")),
        pytest.param("zero_amount", 0.0, marks=side("last_product_deleted", "zero_amount")),
    ],
)
def test_the_last_line_item_goes(shop: Shop, switch: str, amount: float):
    """Without line items a deal has an amount of its own again: the last one or none, by switch."""
    with switched(shop.org, last_product_deleted=switch):
        deal = shop.org.deal()
        item = shop.add(deal, shop.retail, UnitPrice=10)
        shop.org.call("DELETE", f"/sobjects/OpportunityLineItem/{item}")
        shown = shop.org.get("Opportunity", deal)
        assert (shown["HasOpportunityLineItem"], shown["Amount"]) == (False, amount)
        shop.org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"Amount": 7})
        assert shop.org.get("Opportunity", deal)["Amount"] == 7.0


@fact("1.7-cascade")
def test_line_items_go_with_their_deal(shop: Shop):
    """Deleting the deal takes its line items along. Source: facts 1.7 [R]."""
    deal = shop.org.deal()
    item = shop.add(deal, shop.retail, UnitPrice=10)
    shop.org.call("DELETE", f"/sobjects/Opportunity/{deal}")
    assert shop.org.call("GET", f"/sobjects/OpportunityLineItem/{item}").status_code == 404


@pytest.fixture(scope="module")
def two_currencies() -> Iterator[Client]:
    """Run an org whose corporate currency is the dollar, with the euro at 0.8."""
    organization = {"currencies": ["USD", "EUR"], "currency_rates": {"EUR": 0.8}}
    book = {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True}
    with running(
        {"organization": organization, "records": [{"object": "Pricebook2", "values": book}]}
    ) as emulator:
        client = Client(emulator)
        with client.http:
            yield client


@fact("1.2-currency", "2.1-currency", "7.3-currency")
def test_an_org_with_several_currencies(two_currencies: Client):
    """Records have a currency of the org, the corporate one unless sent. Source: facts 1.2, 2.1, 7.3 [D]."""
    org = two_currencies
    assert org.get("Opportunity", org.deal())["CurrencyIsoCode"] == "USD"
    contact = org.create("Contact", LastName="x")
    role = org.create("OpportunityContactRole", OpportunityId=org.deal(), ContactId=contact)
    assert org.get("OpportunityContactRole", role)["CurrencyIsoCode"] == "USD"
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "CurrencyIsoCode": "XXX"})
    assert answer.json()[0]["errorCode"] == "INVALID_CURRENCY_ISO"
    rows = org.query("SELECT IsoCode, ConversionRate, IsCorporate FROM CurrencyType ORDER BY Id")
    assert [(row["IsoCode"], row["ConversionRate"], row["IsCorporate"]) for row in rows] == [
        ("USD", 1.0, True),
        ("EUR", 0.8, False),
    ]


@fact("1.2-currency")
def test_an_org_with_one_currency_has_no_trace_of_others(org: Client):
    """Neither field nor object exists. Source: facts 1.2 [D]."""
    answer = org.call("POST", "/sobjects/Opportunity", {**DEAL, "CurrencyIsoCode": "USD"})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD"
    assert org.call("GET", "/sobjects/CurrencyType/describe").status_code == 404


@fact("1.3-currency-change", "7.3-integrity")
def test_a_change_of_currency(two_currencies: Client):
    """It converts the amount unless one is sent along, and must match the price book entries. Facts 1.3 [D]."""
    org = two_currencies
    deal = org.deal(Amount=100)
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"CurrencyIsoCode": "EUR"})
    assert org.get("Opportunity", deal)["Amount"] == 80.0
    org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"CurrencyIsoCode": "USD", "Amount": 5})
    assert org.get("Opportunity", deal)["Amount"] == 5.0
    (book,) = org.query("SELECT Id FROM Pricebook2")
    product = org.create("Product2", Name="Shoe")
    entry = {"Pricebook2Id": book["Id"], "Product2Id": product, "UnitPrice": 1, "IsActive": True}
    ids = {code: org.create("PricebookEntry", CurrencyIsoCode=code, **entry) for code in ("USD", "EUR")}
    item = {"OpportunityId": deal, "Quantity": 1, "UnitPrice": 1}
    wrong = org.call("POST", "/sobjects/OpportunityLineItem", {**item, "PricebookEntryId": ids["EUR"]})
    assert wrong.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    org.create("OpportunityLineItem", **item, PricebookEntryId=ids["USD"])
    answer = org.call("PATCH", f"/sobjects/Opportunity/{deal}", {"CurrencyIsoCode": "EUR"})
    assert answer.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
