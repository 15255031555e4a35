"""A section's rows, read and checked: typed values, and every problem of a row that needs no look at records.

Rows keep their raw text, so that rejects can be written as they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sfsync.core.contact_roles.role_words import is_blank_role
from sfsync.core.job import ROW_KEY, Blank, Section
from sfsync.core.models import Reference
from sfsync.core.plans.plan import Action, Change, SourceImage
from sfsync.core.presets.footers import passed_notes
from sfsync.core.reading.checks import OrgRules, row_problem
from sfsync.core.reading.keys import KeyedRow, key_problems
from sfsync.core.reading.mapping import PLACE, as_text, mapped, source_texts
from sfsync.core.reading.quoting import add_run
from sfsync.core.reading.repeated_keys import (
    NO_REPEATS,
    DuplicateKeys,
    RepeatedRows,
    Row,
    merged,
    merged_away,
    overruled,
    repeats,
    superseded,
)
from sfsync.core.reading.rows import (
    HEADED,
    ModelRow,
    PartialSource,
    PassedLine,
    RowSource,
    SiftedRows,
    SourceForm,
    SourceRow,
    UnreadableRow,
    notes_of,
    numbered,
)
from sfsync.core.references.parents import Told, columns_for_parents, told_parents
from sfsync.core.reports.results import Problem, RowRef, Stage
from sfsync.core.sobject import CONTACT_ROLE
from sfsync.core.values import clean_key, text_or_none
from sfsync.core.wording import listed, suggestion
from sfsync.errors import SourceError

ROW_KEY_LENGTH: Final = 255
"""The longest key of a row that only the journal remembers."""


@dataclass(slots=True)
class CheckedRow:
    """One row with its typed values; `key` is "" where the row has none.

    `texts` says what the cells said, `place` is unique among the rows of the job, `told` is what the row says of
    parents that may have to be made, by the field that refers to them. `lead` is what names the lead that the row
    comes out of, `lead_contact` the contact that it is merged into.
    """

    ref: RowRef
    key: str
    values: dict[str, Any]
    problems: list[Problem]
    texts: Mapping[str, str] = field(default_factory=dict)
    is_derived: bool = False
    place: str = ""
    told: Mapping[str, Told] = field(default_factory=dict)
    lead: str = ""
    lead_contact: Reference | None = None
    written_key: str = ""

    @property
    def label(self) -> str:
        """How a person knows the row: a contact by first and last name."""
        name = text_or_none(self.values.get("Name"))
        parts = (text_or_none(self.values.get(each)) for each in ("FirstName", "LastName"))
        return name or " ".join(each for each in parts if each) or self.key or f"line {self.ref.line}"


@dataclass(slots=True)
class ReadSection:
    """The rows of one section that count, the image of their source, and notes about its columns.

    `left_out` are the changes of rows that do not count because a later row has their key, `repeated` counts them.
    """

    section: Section
    rows: list[CheckedRow]
    image: SourceImage
    notes: list[Problem]
    left_out: list[Change] = field(default_factory=list)
    repeated: RepeatedRows = NO_REPEATS


def read_section(section: Section, source: RowSource, rules: OrgRules) -> ReadSection:
    """Reads and checks every row of a section.

    Raises:
        SourceError: the source cannot be read, has no rows, or lacks a mapped column.
    """
    form = source.form
    _require_columns(section, form)
    rows: list[CheckedRow] = []
    raws: dict[int, tuple[str, ...]] = {}
    quotes: list[tuple[int, str]] = []
    add_run(quotes, 0, form.header_quotes)
    types: list[tuple[int, str]] = []
    seen: set[str] = set(source.seen_columns()) if isinstance(source, SiftedRows) else set()
    passed: list[PassedLine] = []
    taken: list[Row] = []
    for number, row in numbered(source):
        if isinstance(row, PassedLine):
            passed.append(row)
            continue
        ordinal = row.ref.ordinal or number  # roles inside a document have its ordinal
        raws[ordinal] = row.raw
        if not isinstance(row, ModelRow):
            add_run(quotes, ordinal, row.quotes)
        add_run(types, ordinal, row.types)
        if isinstance(row, SourceRow):
            seen |= row.cells.keys()
        checked = _read_row(section, row, rules)
        checked.ref = row.ref if row.ref.ordinal == ordinal else replace(row.ref, ordinal=ordinal)
        checked.place = f"{section.name}:{number}"
        rows.append(checked)
        if section.duplicate_keys is DuplicateKeys.MERGE:
            taken.append(row)
    left_out, repeated = _settle_repeats(section, rows, taken, rules)
    if section.sobject != CONTACT_ROLE:
        _check_keys(section, rows, rules)
    seen |= source.columns if isinstance(source, PartialSource) else frozenset()
    notes = _unmapped_columns(section, form) if form.kind in HEADED else _unseen_columns(section, form, seen)
    notes += [*passed_notes(form, passed), *notes_of(source)]
    return ReadSection(section, rows, _image(form, raws, quotes, types), notes, left_out, repeated=repeated)


def _read_row(section: Section, row: SourceRow | UnreadableRow | ModelRow, rules: OrgRules) -> CheckedRow:
    if isinstance(row, UnreadableRow):
        return CheckedRow(row.ref, "", {}, [row.problem])
    if isinstance(row, ModelRow):
        values = dict(row.record.given())
        texts = _as_texts(values)
        key = texts.get(section.row_key or "", "")
        told = told_parents(section, {})  # an object has no columns
        checked = CheckedRow(row.ref, clean_key(key), values, [], texts, told=told, written_key=key)
        return _checked(section, checked, rules)
    local = mapped(section, row)
    texts = source_texts(section, row)
    key = as_text(row.cells.get(section.row_key)) if section.row_key else ""
    told = told_parents(section, row.cells)
    checked = CheckedRow(row.ref, clean_key(key), dict(local.values), list(local.problems), texts, told=told)
    checked.written_key = key
    checked.lead = as_text(row.cells.get(section.lead.column)).strip() if section.lead else ""
    return _checked(section, checked, rules)


def _as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: each.value if isinstance(each, Reference) else str(each) for name, each in values.items()}


def _checked(section: Section, checked: CheckedRow, rules: OrgRules) -> CheckedRow:
    """The row with every value typed and checked by the org's own rules, and its key cleaned."""
    texts = checked.texts
    if section.sobject == CONTACT_ROLE and is_blank_role(text_or_none(checked.values.get("Role"))):
        checked.values.pop("Role", None)
    for name, value in checked.values.items():
        typed, invalid = rules.check(name, value)
        checked.values[name] = typed
        if invalid is not None:
            text = texts.get(name, "")
            checked.problems.append(row_problem(section, checked.ref, name, invalid, value=text))
    if section.key is not None:
        key = checked.values.get(section.key)
        checked.key = clean_key(str(key)) if key is not None else ""
        checked.written_key = texts.get(section.key, "")
        checked.values[section.key] = checked.key
    return checked


def _settle_repeats(
    section: Section, rows: list[CheckedRow], taken: Sequence[Row], rules: OrgRules
) -> tuple[list[Change], RepeatedRows]:
    """Leaves one row for each key where the job says so; gives the changes of the others, and counts them."""
    rule = section.duplicate_keys
    found = repeats((each.key, each.written_key) for each in rows) if rule is not DuplicateKeys.ERROR else []
    changes: list[Change] = []
    differing, columns = 0, {*mapped_columns(section), *(each.field for each in section.rules)}
    for positions in found:
        last = rows[positions[-1]]
        whole = merged([taken[each] for each in positions]) if rule is DuplicateKeys.MERGE else None
        for row, position in [(rows[each], each) for each in positions[:-1]]:
            problem, into = superseded(row.ref, row.key, last.ref.line), 0
            if whole is not None:
                told = overruled(taken[position], whole, columns)
                problem, into = merged_away(row.ref, row.key, last.ref.line, told), last.ref.ordinal
                differing += bool(told)
            name = f"{section.sobject}@{row.place}"
            left = Change(name, section.sobject, Action.SKIP, row.key, row.label, row=row.ref)
            changes.append(replace(left, problems=(problem,), merged_into=into))
        if whole is not None:
            one = _read_row(section, whole, rules)
            rows[positions[-1]] = replace(one, ref=last.ref, place=last.place)
    gone = {each.change_id for each in changes}
    rows[:] = [each for each in rows if f"{section.sobject}@{each.place}" not in gone]
    return changes, RepeatedRows(len(changes), len(found), differing)


def _check_keys(section: Section, rows: list[CheckedRow], rules: OrgRules) -> None:
    key_field = rules.describe.field(section.key) if section.key else None
    readable = [each for each in rows if each.values]
    rule = section.rule(key_field.name) if key_field else None
    found = key_problems(
        [KeyedRow(each.ref, each.key) for each in readable],
        column=(rule.column or "") if rule else section.row_key or "",
        length=key_field.length if key_field else ROW_KEY_LENGTH,
        case_sensitive=key_field is None or key_field.case_sensitive,
    )
    for position, problem in found.items():
        readable[position].problems.insert(0, problem)


def asks_for_role(section: Section, row: CheckedRow) -> bool:
    """Whether a role row is to be saved: a blank role is not, unless the job says it stands for itself."""
    if row.is_derived or row.values.get("Role") is not None:
        return True
    rule = section.rule("Role")
    return rule is not None and rule.blank is Blank.NULL


def mapped_columns(section: Section) -> dict[str, str]:
    """Every column that a rule reads, with the field it is for."""
    columns: dict[str, str] = {}
    for rule in section.rules:
        for column in PLACE.findall(rule.compose) if rule.compose else ():
            columns[column] = rule.field
        if rule.account is not None:
            columns[rule.account] = rule.field
        columns |= dict.fromkeys(columns_for_parents(rule), rule.field)
        columns |= dict.fromkeys(rule.value_columns, rule.field)
    if section.row_key is not None:
        columns.setdefault(section.row_key, ROW_KEY)
    if section.lead is not None:
        columns.setdefault(section.lead.column, "lead")
    return columns


def _require_columns(section: Section, form: SourceForm) -> None:
    if form.kind not in HEADED:
        return
    for column, name in mapped_columns(section).items():
        if column not in form.columns and column not in form.entry_columns:
            raise SourceError(
                f'{form.file}: there is no column "{column}", which {section.name}.fields.{name} reads',
                code="COLUMN_MISSING",
                hint=f"{suggestion(column, form.columns)} Correct the header or the job.",
            )


def _unmapped_columns(section: Section, form: SourceForm) -> list[Problem]:
    if form.entry_columns:
        return []  # the columns are those of the deals, whose section tells of them
    known = mapped_columns(section).keys() | set(section.ignore)
    left_out = [each for each in form.columns if each not in known and not each.startswith("_sfsync_")]
    if not left_out:
        return []
    return [
        Problem(
            code="COLUMN_NOT_MAPPED",
            stage=Stage.MAP,
            message=f"{form.file}: columns that the job neither maps nor ignores: {listed(left_out)}",
            hint=f"Map them, or name them in {section.name}.ignore.",
            row=RowRef(form.name, form.file, 1),
        )
    ]


def _unseen_columns(section: Section, form: SourceForm, seen: set[str]) -> list[Problem]:
    """Documents have no header, so a column that the job reads and no document has may be a slip of the pen."""
    unseen = [each for each in mapped_columns(section) if each not in seen]
    if not unseen or not seen:
        return []
    return [
        Problem(
            code="COLUMN_NEVER_SEEN",
            stage=Stage.MAP,
            message=f"{form.file}: no document has {listed(unseen)}, which {section.name} reads",
            hint=f"{suggestion(unseen[0], seen)} Without them the cells count as empty.",
            row=RowRef(form.name, form.file, 1),
        )
    ]


def _image(
    form: SourceForm,
    raws: dict[int, tuple[str, ...]],
    quotes: Iterable[tuple[int, str]],
    types: Iterable[tuple[int, str]],
) -> SourceImage:
    return SourceImage(
        form.name,
        form.file,
        form.kind,
        form.columns,
        form.delimiter,
        form.encoding,
        form.line_end,
        raws,
        before=form.before,
        header=form.header,
        quotes=tuple(quotes),
        types=tuple(types),
    )


def derived_roles(deals: ReadSection) -> list[CheckedRow]:
    """Roles that stand for the deals' own `ContactId`, which is taken out of the deals' values.

    Source: Object Reference, Opportunity.ContactId: makes the primary contact role, works on create only.
    """
    roles: list[CheckedRow] = []
    for row in deals.rows:
        contact = row.values.pop("ContactId", None)
        row.lead_contact = contact if isinstance(contact, Reference) else None
        if contact is None or row.key == "":
            continue
        deal = Reference(row.key, (deals.section.match_name,))
        values = {"OpportunityId": deal, "ContactId": contact, "IsPrimary": True}
        texts = {"ContactId": row.texts.get("ContactId", "")}
        place = f"{row.place} primary contact"
        told = {name: each for name, each in row.told.items() if name == "ContactId"}
        roles.append(CheckedRow(row.ref, "", values, [], texts, is_derived=True, place=place, told=told))
    return roles
