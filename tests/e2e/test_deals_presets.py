"""Exports of known tools become deals and contact roles by a few lines of a job: a preset says the rest."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from command_line import Done, warm_sfsync
from reference_desk import ROOT

from sfsync.core.plans.plan import Action, Change, Plan
from sfsync.core.plans.plan_codec import load_plan

LEUNG, ALAN = "leung.chan@getcloudy.example", "alan.johnson@getcloudy.example"
ROLES = '\n[contact_roles]\npreset = "hubspot-deals"\n'
HUBSPOT = {
    "internal": "hs_object_id,dealname,dealstage,amount,closedate,hubspot_owner_id,Associated Company",
    "English": "Record ID,Deal Name,Deal Stage,Amount,Close Date,Deal owner,Associated Company",
    "German": "Datensatz-ID,Deal-Name,Deal-Phase,Betrag,Abschlussdatum,Deal-Besitzer,Zugeordnetes Unternehmen",
    "French": "ID de fiche d'informations,Nom de la transaction,Phase de la transaction,Montant,Date de fermeture,"
    "Propriétaire de la transaction,Entreprise associée",
    "Spanish": "ID de registro,Nombre del negocio,Etapa del negocio,Valor,Fecha de cierre,Propietario del negocio,"
    "Empresa asociada",
    "Portuguese": "ID do registro,Nome do negócio,Etapa do negócio,Valor do negócio,Data de fechamento,"
    "Proprietário do negócio,Empresa associada",
    "Dutch": "Record-ID,Dealnaam,Dealfase,Bedrag,Sluitingsdatum,Deal-eigenaar,Gekoppeld bedrijf",
    "Japanese": "レコードID,取引名,取引ステージ,金額,クローズ日,取引担当者,関連付けられた会社",
}
STAGES = {
    "internal": "contractsent",
    "English": "Contract Sent",
    "German": "Vertrag gesendet",
    "French": "Contrat envoyé",
    "Spanish": "Contrato enviado",
    "Portuguese": "Contrato enviado",
    "Dutch": "Contract verzonden",
    "Japanese": "契約書送付済み",
}


@dataclass
class Desk:
    """A folder with an export and a job, and the commands that a user types there."""

    folder: Path
    environ: dict[str, str]

    def job(
        self, export: str, preset: str, *, file: str = "export.csv", more: str = "", after: str = ""
    ) -> None:
        """Writes the export and a job of a few lines for it."""
        (self.folder / file).write_text(export, encoding="utf-8")
        lines = f'file = "{file}"\npreset = "{preset}"\nkey = "Sfsync_Key__c"\n{more}{after}'
        (self.folder / "job.toml").write_text(f'org = "local"\n[opportunities]\n{lines}', encoding="utf-8")

    def type(self, *words: str) -> Done:
        """Types a command."""
        return warm_sfsync(*words, environ=self.environ, cwd=self.folder)

    def plan(self) -> Plan:
        """What `sfsync plan` plans."""
        path = self.folder / "plan.json"
        path.unlink(missing_ok=True)
        done = self.type("plan", "./job.toml", "--out", str(path))
        assert path.exists(), done.out + done.err
        return load_plan(path.read_bytes())

    def deals(self) -> dict[str, dict[str, Any]]:
        """The values of the deals that `sfsync plan` would create, by name."""
        return {str(each.values["Name"]): dict(each.values) for each in created(self.plan(), "Opportunity")}


def created(plan: Plan, sobject: str) -> list[Change]:
    """The creates of an sObject."""
    return [each for each in plan.changes if each.sobject == sobject and each.action is Action.CREATE]


def codes(plan: Plan) -> dict[str, list[str]]:
    """The codes of problems and notes with what they say."""
    found: dict[str, list[str]] = {}
    for each in (*(problem for change in plan.changes for problem in change.problems), *plan.notes):
        found.setdefault(each.code, []).append(each.message)
    return found


@pytest.fixture
def desk(tmp_path: Path, environ: dict[str, str]) -> Desk:
    """A desk with an empty folder."""
    return Desk(tmp_path, environ)


@pytest.mark.parametrize("dialect", HUBSPOT)
def test_a_hubspot_export_in_any_language_is_planned_by_four_lines(desk: Desk, dialect: str) -> None:
    """Header, stage, minutes behind the day, owner and company mean the same in each of them."""
    row = f"9001,Get Cloudy - 5 Laces,{STAGES[dialect]},50.00,2027-01-15 09:30,Maria Jimenez,Get Cloudy Consulting"
    desk.job(f"{HUBSPOT[dialect]}\n{row}\n", "hubspot-deals")
    plan = desk.plan()
    [deal] = created(plan, "Opportunity")
    assert deal.values["StageName"] == "Negotiation/Review"
    assert (deal.values["CloseDate"], deal.values["Amount"]) == (date(2027, 1, 15), Decimal("50.00"))
    assert deal.values["Sfsync_Key__c"] == "9001"
    assert {"AccountId", "OwnerId"} <= deal.values.keys()
    assert codes(plan) == {}


def test_the_contacts_listed_in_a_deals_cell_become_its_roles(desk: Desk) -> None:
    """One role for each entry, in the line of its deal; the probability of 0.4 is 40 per cent."""
    header = f"{HUBSPOT['English']},Associated Contact,Deal probability"
    contacts = f"Leung Chan ({LEUNG}); Alan Johnson ({ALAN})"
    row = f"9001,5 Laces,Qualified To Buy,50,2027-01-15 09:30,,Get Cloudy Consulting,{contacts},0.4"
    desk.job(f"{header}\n{row}\n", "hubspot-deals", after=ROLES)
    plan = desk.plan()
    [deal] = created(plan, "Opportunity")
    assert deal.values["Probability"] == Decimal(40)
    roles = created(plan, "OpportunityContactRole")
    assert [each.row.line for each in roles if each.row] == [2, 2]
    assert len({each.values["ContactId"] for each in roles}) == 2


def test_an_entry_that_is_not_of_the_pattern_is_a_problem_of_its_role_and_comes_back_as_the_deals_row(
    desk: Desk,
) -> None:
    """The deal and its other role go; the rejects file has the deal's row, and the same job takes it again."""
    header = f"{HUBSPOT['English']},Associated Contact"
    row = (
        f"9001,5 Laces,Qualified To Buy,50,2027-01-15 09:30,,Get Cloudy Consulting,Leung Chan ({LEUNG});Alan"
    )
    desk.job(f"{header}\n{row}\n", "hubspot-deals", after=ROLES)
    done = desk.type("run", "./job.toml", "--json")
    counts = done.document["counts"]
    assert done.exit_code == 3
    assert counts["Opportunity"]["created"] == 1
    assert (counts["OpportunityContactRole"]["created"], counts["OpportunityContactRole"]["rejected"]) == (
        1,
        1,
    )
    [rejects] = Path(desk.environ["SFSYNC_STATE"]).glob("runs/*/*/rejects-*.csv")
    [rejected] = csv.DictReader(rejects.read_text(encoding="utf-8").splitlines())
    assert rejected["Associated Contact"] == f"Leung Chan ({LEUNG});Alan"
    assert '"Alan" is not written as name (email)' in rejected["_sfsync_message"]
    corrected = rejects.read_text(encoding="utf-8").replace(";Alan,", f";Alan Johnson ({ALAN}),")
    desk.job(corrected, "hubspot-deals", after=ROLES)
    again = desk.type("run", "./job.toml", "--json").document["counts"]
    assert again["Opportunity"]["unchanged"] == 1
    assert (again["OpportunityContactRole"]["created"], again["OpportunityContactRole"]["unchanged"]) == (
        1,
        1,
    )


PIPEDRIVE = {
    "new": "Deal - ID,Deal - Title,Deal - Value,Deal - Stage,Deal - Status,Deal - Won time,Deal - Lost time,"
    "Deal - Expected close date,Deal - Organization,Person - Phone",
    "old": "ID,Title,Value,Stage,Status,Won time,Lost time,Expected close date,Organization,Person - Phone",
}
PIPEDRIVE_ROWS = [
    "1,Open Laces,10,Proposal Made,Open,,,2027-02-12,Get Cloudy Consulting,5",
    "2,Won Laces,20,Qualified,Won,2026-11-12 14:03:11,,2027-02-12,Get Cloudy Consulting,5",
    "3,Lost Laces,30,Demo Scheduled,Lost,,2026-11-18 08:40:00,2027-02-12,,5",
]
PIPEDRIVE_DEALS = {
    "Open Laces": ("Proposal/Price Quote", date(2027, 2, 12)),
    "Won Laces": ("Closed Won", date(2026, 11, 12)),
    "Lost Laces": ("Closed Lost", date(2026, 11, 18)),
}


def stages_and_days(deals: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, date]]:
    """Stage and close date by name."""
    return {name: (each["StageName"], each["CloseDate"]) for name, each in deals.items()}


@pytest.mark.parametrize("dialect", PIPEDRIVE)
def test_the_status_of_a_pipedrive_deal_decides_its_stage_and_its_close_date(
    desk: Desk, dialect: str
) -> None:
    """Won and lost deals are closed on the day on which they were; open ones keep stage and expected day."""
    desk.job("\n".join([PIPEDRIVE[dialect], *PIPEDRIVE_ROWS]) + "\n", "pipedrive-deals")
    assert stages_and_days(desk.deals()) == PIPEDRIVE_DEALS


def test_a_pipedrive_export_that_a_spreadsheet_saved_with_serial_days_is_read_when_the_job_says_so(
    desk: Desk,
) -> None:
    """Without the job's word a number of days is a problem, never a guess."""
    text = "\n".join([PIPEDRIVE["new"], *PIPEDRIVE_ROWS]) + "\n"
    days = {"2026-11-12 14:03:11": "46338", "2026-11-18 08:40:00": "46344", "2027-02-12": "46430"}
    for day, serial in days.items():
        text = text.replace(day, serial)
    desk.job(text, "pipedrive-deals", more='dates = "excel-serial"\n')
    assert stages_and_days(desk.deals()) == PIPEDRIVE_DEALS
    desk.job(text, "pipedrive-deals")
    assert created(desk.plan(), "Opportunity") == []


FOOTER = """

"Open Deals of Cloud Kicks"
"Copyright (c) 2000-2026 salesforce.com, inc. All rights reserved."
"Confidential Information - Do Not Distribute"
"Generated By:  Maria Jimenez  11/26/2026 9:00 AM"
"Cloud Kicks"
"""
REPORT = '"Opportunity ID","Opportunity Name","Stage","Close Date","Account Name","Amount","Age"\n'


def test_the_footer_of_a_salesforce_report_is_no_row_and_is_counted(desk: Desk) -> None:
    """The report's name and the company's go with it; a row that was cut off right before it stays a problem."""
    rows = (
        '"0068d00000AbCdE","5 Laces","Prospecting","2027-01-15","Get Cloudy Consulting","50","3"\n'
        '"0068d00000AbCdF"\n'
    )
    desk.job(REPORT + rows.rstrip("\n") + FOOTER, "salesforce-report")
    plan = desk.plan()
    assert [each.values["Sfsync_Key__c"] for each in created(plan, "Opportunity")] == ["0068d00000AbCdEAAV"]
    told = codes(plan)
    assert told.keys() == {"RAGGED_ROW", "FOOTER_LEFT_OUT", "BLANK_LINES"}
    [footer] = told["FOOTER_LEFT_OUT"]
    assert footer.startswith("export.csv: 5 lines at the end are the export's footer and no rows")
    assert "Open Deals of Cloud Kicks" in footer
    assert len([each for each in plan.changes if each.sobject == "Opportunity"]) == 2


def test_a_report_with_ids_of_15_characters_means_the_records_of_an_export_with_18(desk: Desk) -> None:
    """The second file changes the deal that the first one made."""
    short = '"0068d00000AbCdE","5 Laces","Prospecting","2027-01-15","Get Cloudy Consulting","50","3"\n'
    desk.job(REPORT + short.rstrip("\n") + FOOTER, "salesforce-report")
    assert desk.type("run", "./job.toml").exit_code == 0
    desk.job(REPORT + short.replace("AbCdE", "AbCdEAAV").replace('"50"', '"60"'), "salesforce-report")
    [change] = [each for each in desk.plan().changes if each.sobject == "Opportunity"]
    assert (change.action, dict(change.values)) == (Action.UPDATE, {"Amount": Decimal(60)})


@pytest.mark.parametrize(
    ("preset", "header", "end"),
    [
        ("dataloader", "ID,{},STATUS", ",Item Created"),
        ("dataloader", "{},ERROR", ",REQUIRED_FIELD_MISSING:Name"),
        ("bulk2", "sf__Id,sf__Created,{}", ""),
        ("bulk2", "sf__Id,sf__Error,{}", ""),
        (
            "sfsync-rejects",
            "{},_sfsync_outcome,_sfsync_code,_sfsync_message,_sfsync_hint,_sfsync_line",
            ",r,C,m,h,2",
        ),
    ],
)
def test_a_file_of_results_is_taken_as_it_is_without_its_own_columns(
    desk: Desk, preset: str, header: str, end: str
) -> None:
    """Every other column is the field of its API name."""
    own = header.split("{}", maxsplit=1)[0].count(",")
    row = f"{',' * own}5 Laces,Prospecting,2027-01-15,K-1,Call Leung{end}"
    fields = "Name,StageName,CloseDate,Sfsync_Key__c,NextStep"
    desk.job(f"{header.format(fields)}\n{row}\n", preset)
    plan = desk.plan()
    [deal] = created(plan, "Opportunity")
    assert deal.values["NextStep"] == "Call Leung"
    assert deal.values["Sfsync_Key__c"] == "K-1"
    assert codes(plan) == {}


def test_a_plan_of_a_job_with_a_preset_is_written_as_it_was_saved(desk: Desk) -> None:
    """The saved plan goes while job and preset are what they were; the file itself may be gone by then."""
    text = "\n".join([PIPEDRIVE["new"], *PIPEDRIVE_ROWS]) + "\n"
    desk.job(text, "pipedrive-deals")
    desk.plan()
    (desk.folder / "export.csv").unlink()
    done = desk.type("run", "./job.toml", "--plan", "plan.json", "--json")
    assert (done.exit_code, done.document["counts"]["Opportunity"]["created"]) == (0, 3)


def test_a_plan_is_stale_when_the_preset_says_something_else(desk: Desk) -> None:
    """A preset beside the job takes the place of the one that came with sfsync."""
    desk.job("\n".join([PIPEDRIVE["new"], *PIPEDRIVE_ROWS]) + "\n", "pipedrive-deals")
    desk.plan()
    own = desk.folder / "presets" / "pipedrive-deals.toml"
    own.parent.mkdir()
    shutil.copy(ROOT / "config" / "presets" / "pipedrive-deals.toml", own)
    changed = own.read_text(encoding="utf-8").replace('= "Qualification"', '= "Prospecting"')
    own.write_text(changed, encoding="utf-8")
    done = desk.type("run", "./job.toml", "--plan", "plan.json")
    assert (done.exit_code, "the plan is stale: job job is not the one" in done.err) == (6, True), done.err


def test_a_column_that_no_one_knows_is_told_and_one_that_the_preset_knows_is_not(desk: Desk) -> None:
    """What is left out on purpose needs no line in the job; what is strange is never silent."""
    text = "Record ID,Deal Name,Deal Stage,Close Date,Pipeline,Number of Calls,Colour\n"
    desk.job(text + "1,5 Laces,contractsent,2027-01-15,Sales,7,red\n", "hubspot-deals")
    told = codes(desk.plan())
    assert told == {
        "COLUMN_NOT_MAPPED": ['export.csv: columns that the job neither maps nor ignores: "Colour"']
    }


def test_a_header_that_is_only_alike_is_a_question_and_never_taken(desk: Desk) -> None:
    """The run stops before anything is planned; the hint names the column and the preset to change."""
    desk.job("Record ID,Deal Name,Deal Stge,Close Date\n1,5 Laces,closedlost,2027-01-15\n", "hubspot-deals")
    done = desk.type("plan", "./job.toml")
    assert done.exit_code == 5
    assert 'there is no column for "deal stage"' in done.err
    assert 'Is it one of "Deal Stge"?' in done.err


def test_check_shows_the_section_that_job_preset_and_file_make_together(desk: Desk) -> None:
    """Every field with its column and whose word it is, and what is left out."""
    own = '\n[opportunities.fields]\nNextStep = "Todo"\n'
    text = (
        "Record ID,Deal Name,Deal Stage,Close Date,Pipeline,Todo\n1,5 Laces,closedlost,2027-01-15,Sales,x\n"
    )
    desk.job(text, "hubspot-deals", after=own)
    done = desk.type("check", "./job.toml")
    assert "  opportunities: preset hubspot-deals" in done.out
    assert "    Name from Deal Name\n" in done.out
    assert "    NextStep from Todo, as the job says\n" in done.out
    assert "    known and left out: Pipeline\n" in done.out
    [section] = desk.type("check", "./job.toml", "--json").document["presets"]
    assert {each["field"]: each["said_by"] for each in section["rules"]}["NextStep"] == "job"


def test_the_preset_of_ones_own_that_the_docs_show_brings_its_export(desk: Desk) -> None:
    """A file beside the job is enough: header, state, days and footer are what it says."""
    blocks = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8").split("```toml\n")
    [own] = [each.partition("```")[0] for each in blocks if each.startswith('title = "Our old CRM"')]
    (desk.folder / "presets").mkdir()
    (desk.folder / "presets" / "old-crm.toml").write_text(own, encoding="utf-8")
    header = "No.,GESCHÄFT,Sum,State,Stage,Won on,Due on,Internal note\n"
    rows = (
        "1,5 Laces,50,open,Demo,,15.1.2027,x\n2,6 Laces,60,won,Demo,12.11.2026,15.1.2027,y\nEnd of export 2\n"
    )
    desk.job(header + rows, "old-crm")
    plan = desk.plan()
    deals = {str(each.values["Name"]): each.values for each in created(plan, "Opportunity")}
    assert stages_and_days(deals) == {
        "5 Laces": ("Value Proposition", date(2027, 1, 15)),
        "6 Laces": ("Closed Won", date(2026, 11, 12)),
    }
    assert codes(plan).keys() == {"FOOTER_LEFT_OUT"}


@pytest.mark.parametrize("job", ["hubspot", "pipedrive"])
def test_the_example_jobs_are_planned_as_they_are(desk: Desk, job: str) -> None:
    """Each of them brings three deals of its sample."""
    done = warm_sfsync("plan", job, "--json", environ=desk.environ, cwd=ROOT)
    assert done.exit_code == 0, done.err
    assert done.document["counts"]["Opportunity"]["created"] == 3
