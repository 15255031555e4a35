"""The jsforce library: records, queries, describe and search over REST."""

import pytest
from client_programs import Jsforce, JsforceError, calls, effects

from sfsync.emulator.server import RunningEmulator

DEAL = {"Name": "jsforce deal", "StageName": "Prospecting", "CloseDate": "2026-12-31"}
DEAL_AND_ROLE = ("Opportunity", "OpportunityContactRole")
SOBJECTS = "/services/data/v50.0/sobjects/"


def deals(number: int, name: str) -> list[dict[str, str]]:
    """Return so many deals, told apart by a number after the name."""
    return [{**DEAL, "Name": f"{name} {n:04d}"} for n in range(number)]


def test_jsforce_knows_who_it_is(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """The identity URL of the session leads to the user and the organization."""
    identity = jsforce.run("return await conn.identity()")
    assert identity["organization_id"] == emulator.org_id
    assert identity["username"] == "integration@cloudkicks.example"


def test_jsforce_creates_reads_updates_and_deletes_a_record(
    jsforce: Jsforce, emulator: RunningEmulator
) -> None:
    """A deal goes through its whole life by single-record calls."""
    life = """
        const deals = conn.sobject("Opportunity");
        const made = await deals.create(args.deal);
        const read = await deals.retrieve(made.id);
        const changed = await deals.update({ Id: made.id, Amount: 12.5 });
        const again = await deals.findOne({ Id: made.id }, ["Amount", "IsWon"]);
        const gone = await deals.destroy(made.id);
        return { made, read, changed, again, gone };
    """
    seen = jsforce.run(life, deal=DEAL)
    assert seen["made"]["success"] is True
    assert seen["read"]["Name"] == "jsforce deal"
    assert seen["changed"] == {"id": seen["made"]["id"], "success": True, "errors": []}
    assert (seen["again"]["Amount"], seen["again"]["IsWon"]) == (12.5, False)
    assert seen["gone"]["success"] is True
    assert effects(emulator, "Opportunity") == ["insert", "update", "delete"]


def test_jsforce_passes_on_the_platforms_refusal(jsforce: Jsforce) -> None:
    """The code of a refused record is the code of the error."""
    with pytest.raises(JsforceError) as refused:
        jsforce.run('return await conn.sobject("Opportunity").create({ Name: "No stage" })')
    assert refused.value.code == "REQUIRED_FIELD_MISSING"


def test_jsforce_reads_a_missing_record_as_not_found(jsforce: Jsforce) -> None:
    """A deleted record is NOT_FOUND."""
    body = """
        const made = await conn.sobject("Account").create({ Name: "Short" });
        await conn.sobject("Account").destroy(made.id);
        return await conn.sobject("Account").retrieve(made.id);
    """
    with pytest.raises(JsforceError) as refused:
        jsforce.run(body)
    assert refused.value.code == "NOT_FOUND"


def test_jsforce_creates_up_to_200_records_in_one_call(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """An array goes to the collections resource, and every row has its result in its place."""
    rows = [*deals(199, "Array"), {"Name": "No stage"}]
    results = jsforce.run('return await conn.sobject("Opportunity").create(args.rows)', rows=rows)
    assert [result["success"] for result in results] == [True] * 199 + [False]
    assert results[-1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert calls(emulator) == ["POST /services/data/v50.0/composite/sobjects"]
    assert effects(emulator, "Opportunity") == ["insert"] * 199


def test_jsforce_splits_longer_arrays_when_it_may(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """With allowRecursive 450 rows go in calls of 200, 200 and 50."""
    body = 'return await conn.sobject("Account").create(args.rows, { allowRecursive: true })'
    rows = [{"Name": f"Recursive {n}"} for n in range(450)]
    assert len(jsforce.run(body, rows=rows)) == 450
    assert [sum(entry.sobjects.values()) for entry in emulator.audit.requests] == [200, 200, 50]


def test_jsforce_writes_all_or_none(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """With allOrNone a bad row takes the good ones with it, inside an answer of 200."""
    body = 'return await conn.sobject("Opportunity").create(args.rows, { allOrNone: true })'
    results = jsforce.run(body, rows=[DEAL, {"Name": "No stage"}])
    codes = [result["errors"][0]["statusCode"] for result in results]
    assert codes == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING"]
    assert emulator.audit.commits == []


def test_jsforce_updates_and_deletes_arrays(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """Arrays of updates carry `id` in lower case; deletes carry the ids in the address."""
    body = """
        const accounts = conn.sobject("Account");
        const made = await accounts.create(args.rows);
        const ids = made.map((result) => result.id);
        const changed = await accounts.update(ids.map((Id) => ({ Id, Phone: "1" })));
        const read = await accounts.retrieve(ids);
        const gone = await accounts.destroy(ids);
        return { changed, phones: read.map((row) => row.Phone), gone };
    """
    seen = jsforce.run(body, rows=[{"Name": f"Pair {n}"} for n in range(2)])
    assert [result["success"] for result in seen["changed"]] == [True, True]
    assert seen["phones"] == ["1", "1"]
    assert [result["success"] for result in seen["gone"]] == [True, True]
    assert {
        "PATCH /services/data/v50.0/composite/sobjects",
        "DELETE /services/data/v50.0/composite/sobjects",
    } <= set(calls(emulator))


def test_jsforce_upserts_by_key(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """An upsert says whether it created; one record goes by its address, several as a collection."""
    body = """
        const deals = conn.sobject("Opportunity");
        const row = (key, more) => ({ ...args.deal, ...more, Sfsync_Key__c: key });
        const first = await deals.upsert(row("JS-1"), "Sfsync_Key__c");
        const again = await deals.upsert(row("JS-1", { Amount: 5 }), "Sfsync_Key__c");
        const both = await deals.upsert([row("JS-1", { Amount: 7 }), row("JS-2")], "Sfsync_Key__c");
        return { first, again, both };
    """
    seen = jsforce.run(body, deal=DEAL)
    assert (seen["first"]["created"], seen["again"]["created"]) == (True, False)
    assert [result["created"] for result in seen["both"]] == [False, True]
    assert seen["both"][0]["id"] == seen["first"]["id"]
    assert calls(emulator)[-1] == "PATCH /services/data/v50.0/composite/sobjects/Opportunity/Sfsync_Key__c"


def test_jsforce_shows_several_matches_of_a_key(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """A key that is not unique and found twice is answered with 300; nothing is written."""
    body = """
        const deals = conn.sobject("Opportunity");
        await deals.create([1, 2].map(() => ({ ...args.deal, Legacy_Id__c: "TWIN" })));
        return await deals.upsert({ ...args.deal, Legacy_Id__c: "TWIN" }, "Legacy_Id__c");
    """
    with pytest.raises(JsforceError) as refused:
        jsforce.run(body, deal=DEAL)
    assert refused.value.code == "MULTIPLE_CHOICES"
    assert emulator.audit.requests[-1].status == 300


def test_jsforce_follows_the_pages_of_a_query(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """5,000 rows come in pages of 2,000, by autofetch and by queryMore alike."""
    body = """
        const made = await conn.sobject("Account").create(args.rows, { allowRecursive: true });
        const soql = "SELECT Id, Name FROM Account WHERE Name LIKE 'Page %' ORDER BY Name";
        const fetched = await conn.query(soql, { autoFetch: true, maxFetch: 10000 });
        let page = await conn.query(soql);
        const sizes = [page.records.length];
        while (!page.done) {
          page = await conn.queryMore(page.nextRecordsUrl);
          sizes.push(page.records.length);
        }
        return { made: made.length, total: fetched.totalSize, got: fetched.records.length, sizes };
    """
    seen = jsforce.run(body, rows=[{"Name": f"Page {n:04d}"} for n in range(5000)])
    assert seen == {"made": 5000, "total": 5000, "got": 5000, "sizes": [2000, 2000, 1000]}
    assert sum("/query/" in call for call in calls(emulator)) == 4


def test_jsforce_finds_by_conditions_with_children(jsforce: Jsforce) -> None:
    """The query builder's conditions, parents and included children are understood."""
    body = """
        return await conn.sobject("Opportunity")
          .find({ Sfsync_Key__c: "DEAL-1003", Amount: { $gte: 1 }, "Account.Name": { $like: "Get %" } },
                "Id, Name, Account.Name")
          .include("OpportunityContactRoles").select("Role, Contact.Email").orderby("Role", "ASC").end()
          .sort("Name").limit(5)
    """
    [deal] = jsforce.run(body)
    assert deal["Account"]["Name"] == "Get Cloudy Consulting"
    [role] = deal["OpportunityContactRoles"]["records"]
    assert (role["Role"], role["Contact"]["Email"]) == ("Evaluator", "leung.chan@getcloudy.example")


def test_jsforce_finds_dates(jsforce: Jsforce) -> None:
    """Dates in jsforce's own form go unquoted into the query."""
    body = """
        return await conn.sobject("Opportunity")
          .find({ CloseDate: jsforce.SfDate.toDateLiteral("2026-12-18"), Sfsync_Key__c: "DEAL-1003" }, "Name")
          .execute()
    """
    assert len(jsforce.run(body)) == 1


def test_jsforce_counts(jsforce: Jsforce) -> None:
    """A count has a size and no rows."""
    assert jsforce.run('return await conn.sobject("Contact").count()') == 2


def test_jsforce_describes(jsforce: Jsforce) -> None:
    """The objects of the org and the fields of one."""
    body = """
        const all = await conn.describeGlobal();
        const one = await conn.sobject("OpportunityContactRole").describe();
        return { names: all.sobjects.map((each) => each.name), fields: one.fields };
    """
    seen = jsforce.run(body)
    assert {"Lead", "Opportunity", "Shoe_Model__c"} <= set(seen["names"])
    fields = {field["name"]: field for field in seen["fields"]}
    assert (fields["OpportunityId"]["updateable"], fields["ContactId"]["updateable"]) == (False, True)


def test_jsforce_reads_limits(jsforce: Jsforce) -> None:
    """The limits come as a resource and in the header of every answer."""
    seen = jsforce.run("const limits = await conn.limits(); return { limits, header: conn.limitInfo }")
    assert seen["limits"]["DailyApiRequests"]["Max"] == 15000
    assert seen["header"]["apiUsage"]["limit"] == 15000


def test_jsforce_searches(jsforce: Jsforce) -> None:
    """A SOSL search answers the records by type."""
    sosl = "FIND {Cloudy} IN NAME FIELDS RETURNING Account(Id, Name), Opportunity(Name)"
    found = jsforce.run("return await conn.search(args.sosl)", sosl=sosl)["searchRecords"]
    assert {record["attributes"]["type"] for record in found} == {"Account", "Opportunity"}


def test_jsforce_asks_what_changed(jsforce: Jsforce) -> None:
    """Updated and deleted records of a span of time are listed."""
    body = """
        const accounts = conn.sobject("Account");
        const kept = await accounts.create({ Name: "Kept" });
        const gone = await accounts.create({ Name: "Gone" });
        await accounts.destroy(gone.id);
        const from = new Date(Date.now() - 3600e3), to = new Date(Date.now() + 3600e3);
        const updated = await accounts.updated(from, to);
        const deleted = await accounts.deleted(from, to);
        return { kept: updated.ids.includes(kept.id), gone: deleted.deletedRecords.some((r) => r.id === gone.id) };
    """
    assert jsforce.run(body) == {"kept": True, "gone": True}


def test_jsforce_posts_a_composite_with_references(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """A composite by requestPost creates a deal and its role in one transaction."""
    body = """
        const contact = await conn.sobject("Contact").findOne({ FirstName: "Alan" }, "Id");
        return await conn.requestPost("/composite", {
          allOrNone: true,
          compositeRequest: [
            { method: "POST", url: args.base + "Opportunity", referenceId: "deal", body: args.deal },
            { method: "POST", url: args.base + "OpportunityContactRole", referenceId: "role",
              body: { OpportunityId: "@{deal.id}", ContactId: contact.Id, Role: "Evaluator" } },
          ],
        });
    """
    answers = jsforce.run(body, deal=DEAL, base=SOBJECTS)["compositeResponse"]
    assert [answer["httpStatusCode"] for answer in answers] == [201, 201]
    assert [effects(emulator, sobject) for sobject in DEAL_AND_ROLE] == [["insert"]] * 2


def test_jsforce_posts_graphs(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """Each graph is a transaction of its own: the bad one writes nothing, the good one all."""
    body = """
        const contact = await conn.sobject("Contact").findOne({ FirstName: "Alan" }, "Id");
        const graph = (graphId, role) => ({
          graphId,
          compositeRequest: [
            { method: "POST", url: args.base + "Opportunity", referenceId: "deal", body: args.deal },
            { method: "POST", url: args.base + "OpportunityContactRole", referenceId: "role",
              body: { OpportunityId: "@{deal.id}", ...role } },
          ],
        });
        return await conn.requestPost("/composite/graph", {
          graphs: [graph("good", { ContactId: contact.Id }), graph("bad", { Role: "No contact" })],
        });
    """
    good, bad = jsforce.run(body, deal=DEAL, base=SOBJECTS)["graphs"]
    assert (good["isSuccessful"], bad["isSuccessful"]) == (True, False)
    assert [effects(emulator, sobject) for sobject in DEAL_AND_ROLE] == [["insert"]] * 2
