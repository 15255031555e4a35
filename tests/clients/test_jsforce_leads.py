"""The jsforce library: leads are converted through its SOAP API."""

from client_programs import Jsforce, calls

from sfsync.emulator.server import RunningEmulator

CONVERT = """
    const lead = await conn.sobject("Lead").create({ LastName: "Chan", Company: "Leads & Sons" });
    const order = { leadId: lead.id, convertedStatus: "Closed - Converted" };
    const converted = await conn.soap.convertLead({ ...order, ...args.more });
"""


def test_jsforce_converts_a_lead(jsforce: Jsforce, emulator: RunningEmulator) -> None:
    """A conversion makes an account, a contact and a deal whose primary contact it is."""
    body = f"""{CONVERT}
        const deal = await conn.sobject("Opportunity").retrieve(converted.opportunityId);
        const roles = conn.sobject("OpportunityContactRole");
        const [role] = await roles.find({{ OpportunityId: deal.Id }}, "ContactId, IsPrimary");
        const read = await conn.sobject("Lead").retrieve(lead.id);
        return {{ converted, deal, role, read }};
    """
    seen = jsforce.run(body, more={"opportunityName": "From a lead"})
    converted, role = seen["converted"], seen["role"]
    assert (converted["success"], converted["errors"]) == (True, [])
    assert seen["deal"]["Name"] == "From a lead"
    assert (role["ContactId"], role["IsPrimary"]) == (converted["contactId"], True)
    assert (seen["read"]["IsConverted"], seen["read"]["ConvertedAccountId"]) == (True, converted["accountId"])
    assert "POST /services/Soap/u/50.0" in calls(emulator)


def test_jsforce_converts_a_lead_without_a_deal(jsforce: Jsforce) -> None:
    """Without a deal its id comes empty."""
    converted = jsforce.run(f"{CONVERT} return converted", more={"doNotCreateOpportunity": True})
    assert (converted["success"], converted["opportunityId"]) == (True, None)


def test_jsforce_sees_why_a_lead_is_not_converted(jsforce: Jsforce) -> None:
    """The second conversion of a lead fails with a row error inside an answer of 200."""
    body = f"""{CONVERT}
        return await conn.soap.convertLead(order);
    """
    again = jsforce.run(body, more={})
    assert again["success"] is False
    assert again["errors"][0]["statusCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"
