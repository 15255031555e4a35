"""Person accounts, where the org has them. Source: Object Reference, Account [D]."""

from emulator_client import Client

from sfsync.emulator.server import running

USER = {"username": "integration@cloudkicks.example", "last_name": "User", "api_user": True}


def test_an_account_with_a_last_name_is_a_person_named_by_both_names():
    """It is found by its name; a company stays one, and Account tells of people by one more field."""
    with running({"users": [USER], "organization": {"person_accounts": True}}) as emulator:
        org = Client(emulator)
        with org.http:
            for values in ({"FirstName": "Lynn", "LastName": "Ostrom"}, {"Name": "Ostrom Ltd"}):
                assert org.call("POST", "/sobjects/Account", values).status_code == 201
            rows = org.emulator.org.storage.select("Account", "1 = 1")
            assert {row["Name"]: bool(row["IsPersonAccount"]) for row in rows} == {
                "Lynn Ostrom": True,
                "Ostrom Ltd": False,
            }
            fields = org.call("GET", "/sobjects/Account/describe").json()["fields"]
            [mark] = [each for each in fields if each["name"] == "IsPersonAccount"]
            assert (mark["type"], mark["createable"], mark["updateable"]) == ("boolean", False, False)


def test_an_org_without_person_accounts_has_no_trace_of_them():
    """LastName is no field of Account there."""
    with running({"users": [USER]}) as emulator:
        org = Client(emulator)
        with org.http:
            assert org.call("POST", "/sobjects/Account", {"LastName": "Ostrom"}).status_code == 400
