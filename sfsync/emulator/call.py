"""One call in progress: the request, who makes it, the unit of work and the faults that strike it.

Every resource function takes a Call and returns a Reply. Subrequests of a composite are calls of their
own that share user, unit of work, faults and row counting with the outer one.
Invariant: `number` is the audit number of the HTTP request, whatever the nesting.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from sfsync.emulator.errors import ApiError, RowRefusedError, UncoercibleError, bad_field, not_found
from sfsync.emulator.fault_actions import FailRows
from sfsync.emulator.org.clock import stamp
from sfsync.emulator.org.first_versions import fields_to_come
from sfsync.emulator.org.org import Org
from sfsync.emulator.org.schema import Field, RecordType, SObject, VersionedCatalogue
from sfsync.emulator.org.work import Work
from sfsync.emulator.rules.drafting import Draft, read_draft
from sfsync.emulator.rules.hook_records import HookRecords
from sfsync.emulator.wire.json_reading import coercion_error
from sfsync.emulator.wire.messages import Reply, Request

if TYPE_CHECKING:
    from sfsync.emulator.bulk.jobs import Job

_DUPLICATE_HEADER_SINCE: Final = 52.0
_RECENT: Final = 200
_INHERITED: Final = ("sforce-duplicate-rule-header",)


@dataclass(slots=True)
class RowCount:
    """How many rows of each object a call carried and were looked at, and how deep the platform's own are."""

    rows: dict[str, int] = field(default_factory=dict)
    judged: int = 0
    depth: int = 0


@dataclass(slots=True)
class Call:
    """A call and all it may use."""

    org: Org
    request: Request
    work: Work
    number: int = 0
    user_id: str = ""
    version: str = ""
    base_url: str = ""
    args: dict[str, str] = field(default_factory=dict)
    row_faults: tuple[FailRows, ...] = ()
    counted: RowCount = field(default_factory=RowCount)
    dispatch: "Callable[[Call], Reply] | None" = None
    enqueue: "Callable[[Job], None] | None" = None

    @property
    def now_stamp(self) -> str:
        """The current time in the stored form."""
        return stamp(self.org.clock.now())

    def nested(self, request: Request) -> Reply:
        """Answer a subrequest as part of this call."""
        if self.dispatch is None:
            raise not_found()
        inherited = {name: self.request.headers[name] for name in _INHERITED if name in self.request.headers}
        inner = replace(request, headers={**inherited, **request.headers})
        return self.dispatch(replace(self, request=inner, args={}))

    def record_url(self, sobject: str, record_id: str) -> str:
        """Return the address of a record in the version of the call."""
        return f"/services/data/v{self.version}/sobjects/{sobject}/{record_id}"

    def catalogue(self) -> VersionedCatalogue:
        """Return the schema as the query engine wants it, without what the user cannot see."""
        denies = self.org.rights.denies
        return VersionedCatalogue(
            self.org.schema,
            self.version,
            hidden=self.hidden_fields,
            readable=lambda sobject: not denies(sobject.name, self.user_id, "read"),
        )

    def sobject(self, name: str | None = None) -> SObject:
        """Return the object named in the path, or the named one.

        Raises: ApiError 404 when the org has none of that name that the user may read.
        """
        found = self.org.schema.sobject(name or self.args["sobject"])
        if found is None or self.org.rights.denies(found.name, self.user_id, "read"):
            raise not_found()
        return found

    def hidden_fields(self, sobject: SObject) -> frozenset[str]:
        """Return the lower-case names of the fields that the user, or the version of the call, cannot see."""
        hidden = self.org.rights.hidden_fields(sobject.name, self.user_id)
        return sobject.internal_fields | hidden | fields_to_come(sobject, self.version)

    def locked_fields(self, sobject: SObject) -> frozenset[str]:
        """Return the lower-case names of the fields that the user cannot edit."""
        return self.org.rights.locked_fields(sobject.name, self.user_id)

    def record_types(self, sobject: SObject) -> tuple[RecordType, ...]:
        """Return the record types of an object as the user finds them."""
        return self.org.rights.record_types(sobject, self.user_id)

    def visible_fields(self, sobject: SObject, names: list[str] | None = None) -> list[Field]:
        """Return the fields of those names, or all that the user can see.

        Raises: ApiError INVALID_FIELD for a name the object does not have.
        """
        hidden = self.hidden_fields(sobject)
        if names is None:
            return [item for name, item in sobject.fields.items() if name not in hidden]
        chosen = []
        for name in names:
            item = None if name.lower() in hidden else sobject.field_named(name)
            if item is None:
                raise bad_field(name, sobject.name)
            chosen.append(item)
        return chosen

    def draft(
        self, sobject: SObject, record: object, *, creating: bool, path: tuple[str | int, ...] = ()
    ) -> Draft:
        """Return the draft of a record in the body.

        Raises: ApiError for what fails the whole request.
        """
        self.counted.rows[sobject.name] = self.counted.rows.get(sobject.name, 0) + 1
        try:
            return read_draft(self, sobject, record, creating=creating)
        except UncoercibleError as problem:
            raise coercion_error(problem, self.request.text_for_positions(), path) from None

    def check_row_fault(self, draft: Draft | None, record_id: str | None) -> None:
        """Refuse the row if a scripted fault is meant for it.

        Raises: RowRefusedError.
        """
        index = self.counted.judged
        self.counted.judged += 1
        for fault in self.row_faults:
            values = {record_id, *(map(str, draft.values.values()) if draft else ())}
            everywhere = not fault.rows and not fault.keys and fault.from_row is None
            late = fault.from_row is not None and index >= fault.from_row
            if everywhere or late or index in fault.rows or values & set(fault.keys):
                raise RowRefusedError(fault.code, fault.message, *fault.fields)

    def touch(self, sobject: str, record_id: str) -> None:
        """Move a record to the top of the most recently used ones, if the call asks for it with Sforce-Mru."""
        if self.request.headers.get("sforce-mru", "").replace(" ", "").lower() == "updatemru=true":
            others = [other for other in self.org.recent.get(sobject, ()) if other != record_id]
            self.org.recent[sobject] = [record_id, *others[: _RECENT - 1]]

    @contextmanager
    def system_mode(self) -> Iterator[None]:
        """Run a block as the platform or its automation: without the user's rights, one level deeper."""
        self.counted.depth += 1
        try:
            yield
        finally:
            self.counted.depth -= 1

    @property
    def is_system(self) -> bool:
        """Whether the platform or its automation acts, not the user."""
        return self.counted.depth > 0

    def hook_records(self) -> HookRecords:
        """Return the records as the hooks of this call reach them."""
        return HookRecords(self)

    def duplicate_option(self, name: str) -> bool:
        """Return a flag of Sforce-Duplicate-Rule-Header (52 and later); all of them are off by default."""
        if float(self.version) < _DUPLICATE_HEADER_SINCE:
            return False
        header = self.request.headers.get("sforce-duplicate-rule-header", "")
        options = dict(part.strip().partition("=")[::2] for part in header.split(";"))
        return options.get(name, "").strip().lower() == "true"

    def flag(self, name: str, value: Any = None) -> bool:
        """Return a true/false parameter given as JSON value or query text.

        Raises: ApiError JSON_PARSER_ERROR for anything else.
        """
        if value is None or isinstance(value, bool):
            return bool(value)
        if str(value).lower() in {"true", "false"}:
            return str(value).lower() == "true"
        raise ApiError(400, "JSON_PARSER_ERROR", f"{name} must be true or false")
