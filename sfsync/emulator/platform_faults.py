"""The faults of the platform and of the people on it: limits, refusals, changes behind the client's back.

The ids are those of the product's failure model.
"""

from typing import Final

from sfsync.emulator.fault_scripts import Fault, Table, change_org, fail_rows, refuse

_HTML: Final = "<html><body>Service Unavailable</body></html>"
_RETRY_AFTER: Final = (
    "1",
    "120",
    "0",
    "-5",
    "2.5",
    "99999999999999999999",
    "soon",
    "",
    "Wed, 21 Oct 2099 07:28:00 GMT",
    "Wed, 21 Oct 2015 07:28:00 GMT",
)


def _unavailable(*, with_json: bool) -> tuple[Table, ...]:
    spoken: Table = refuse(503, "SERVER_UNAVAILABLE", "Server Unavailable")
    silent: Table = {"action": "refuse", "status": 503, "body": _HTML, "content_type": "text/html"}
    form = spoken if with_json else silent
    return (form, *({**form, "headers": {"Retry-After": text}} for text in _RETRY_AFTER))


_EXPIRED: Final = refuse(
    401, "INVALID_SESSION_ID", "Session expired or invalid", path="/services/data", count=None
)
_ORG_LOCKED: Final = fail_rows("ENTITY_IS_LOCKED", "the record is locked for editing by an approval process")

PLATFORM: Final = (
    Fault(
        "S1",
        "the session expires in the middle",
        ({"action": "expire_session"}, {"action": "expire_session", "everyone": True}),
    ),
    Fault(
        "S2",
        "no session is accepted any more",
        (
            _EXPIRED,
            {
                "action": "refuse",
                "status": 400,
                "body": {"error": "invalid_grant", "error_description": "expired access/refresh token"},
                "path": "/services/oauth2/token",
                "count": None,
            },
        ),
    ),
    Fault(
        "S3",
        "the day's calls are used up, or too many calls run long",
        (
            refuse(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            refuse(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded."),
            change_org("usage", used=14_900),
            change_org("usage", long_limit=0),
        ),
    ),
    Fault(
        "S4",
        "access is missing",
        (
            refuse(403, "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id"),
            refuse(404, "NOT_FOUND", "The requested resource does not exist"),
            refuse(403, "API_CURRENTLY_DISABLED", "API is currently disabled for this user"),
        ),
    ),
    Fault(
        "S5",
        "the server is overloaded",
        (
            *_unavailable(with_json=True),
            *_unavailable(with_json=False),
            {"action": "refuse", "status": 503, "body": "", "headers": {"Retry-After": "7"}},
            refuse(429, "REQUEST_LIMIT_EXCEEDED", "slow down", headers={"Retry-After": "1"}),
        ),
    ),
    Fault(
        "S6",
        "an internal error before or after the commit",
        tuple(
            refuse(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred.", phase=phase)
            for phase in ("before_read", "before_commit", "after_commit")
        ),
    ),
    Fault(
        "S7",
        "the org becomes read-only, also in the middle of a call",
        (
            change_org("switches", values={"read_only": True}),
            fail_rows(
                "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
                "Insert, update, and delete operations are not allowed during maintenance.",
                from_row=2,
            ),
        ),
    ),
    Fault(
        "S8",
        "rows are locked",
        (
            {"action": "fail_rows"},
            {"action": "fail_rows", "rows": [1]},
            {"action": "fail_rows", "keys": ["r2"]},
        ),
    ),
    Fault(
        "S9",
        "some rows of a call are refused",
        tuple(
            fail_rows(
                "FIELD_INTEGRITY_EXCEPTION", "refused", rows=[row for row in range(4) if pattern >> row & 1]
            )
            for pattern in range(1, 16)
        ),
    ),
    Fault(
        "S10",
        "one row takes the others down",
        tuple(fail_rows("FIELD_INTEGRITY_EXCEPTION", "refused", rows=[row]) for row in range(4)),
    ),
    Fault(
        "S11",
        "automation refuses",
        (
            fail_rows("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Amount is needed", rows=[0], fields=["Amount"]),
            fail_rows(
                "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                "Trig: execution of BeforeInsert\n\ncaused by: System.LimitException: Apex CPU time limit exceeded",
            ),
        ),
    ),
    Fault(
        "S12", "a duplicate rule objects", (fail_rows("DUPLICATES_DETECTED", "Use one of these records?"),)
    ),
    Fault(
        "S13",
        "the key is taken meanwhile",
        (change_org("create", object="Opportunity", values="<deal with the same key>"),),
    ),
    Fault(
        "S14",
        "a key comes to stand on two records",
        (change_org("create", object="Opportunity", values="<deal with the same legacy id>"),),
    ),
    Fault(
        "S15",
        "a field, a value, a record type, a right or an owner is taken away",
        (
            change_org("hide_field", object="Opportunity", field="NextStep"),
            change_org("lock_field", object="Opportunity", field="NextStep"),
            change_org("drop_value", object="Opportunity", field="StageName", value="Prospecting"),
            change_org("drop_record_type", object="Opportunity", developer_name="Custom_Order"),
            change_org("deactivate_user", username="maria.jimenez@cloudkicks.example"),
        ),
    ),
    Fault(
        "S16",
        "a record is deleted or comes back",
        (
            change_org("delete", object="Opportunity", id="<deal>"),
            change_org("delete", object="OpportunityContactRole", id="<role>"),
            change_org("undelete", object="Opportunity", id="<deleted deal>"),
        ),
    ),
    Fault(
        "S17",
        "two records are merged",
        (
            change_org("merge", object="Account", id="<account>", loser="<other account>"),
            change_org("merge", object="Contact", id="<contact>", loser="<other contact>"),
        ),
    ),
    Fault("S18", "a record waits for an approval", ({**_ORG_LOCKED, "count": None},)),
    Fault(
        "S19",
        "automation rewrites what was saved",
        (
            change_org(
                "edit",
                phase="after_commit",
                object="Opportunity",
                id="@Opportunity",
                values={"NextStep": "rewritten"},
            ),
        ),
    ),
    Fault(
        "S20",
        "automation adds a role",
        (
            change_org(
                "create",
                phase="after_commit",
                object="OpportunityContactRole",
                values={"OpportunityId": "@Opportunity", "ContactId": "<contact>", "IsPrimary": True},
            ),
        ),
    ),
    Fault(
        "S21",
        "a second primary is treated otherwise",
        tuple(
            change_org("switches", values={"second_primary": side})
            for side in ("last_wins", "several_stay", "refuse")
        ),
    ),
    Fault(
        "S22",
        "a query's cursor expires, or its records change between pages",
        (change_org("expire_cursors"), change_org("delete", object="Opportunity", id="<deal>")),
    ),
    Fault(
        "S23",
        "another org answers at the address",
        (change_org("swap_org"), change_org("swap_org", sandbox=False)),
    ),
)

PEOPLE: Final = (
    Fault(
        "C3",
        "a person edits a record between two calls",
        (change_org("edit", object="Opportunity", id="<deal>", values={"NextStep": "theirs"}),),
    ),
)
