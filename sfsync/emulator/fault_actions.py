"""What a scripted fault does: a closed list of actions, each a plain value.

The actions say nothing about when; that is the script's part (`faults.py`). Their JSON form is the
dictionary of their fields plus `action`, so that a test of a subprocess can set them over HTTP.
Source: the failure model of the product, network and platform faults.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, cast

from sfsync.emulator.spoiling import SHAPES

_PAGE: Final = "<html><head><title>Log in</title></head><body><h1>Sign in to continue</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with this status and body (a JSON value or text) instead."""

    status: int = 503
    body: Any = field(
        default_factory=lambda: [{"message": "Server Unavailable", "errorCode": "SERVER_UNAVAILABLE"}]
    )
    content_type: str = "application/json;charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """Answer with an HTML page and status 200, as a captive portal does."""

    html: str = _PAGE
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the client elsewhere."""

    location: str
    status: int = 302


@dataclass(frozen=True, slots=True)
class Drop:
    """End the connection without an answer: `reset` or `close`."""

    how: str = "reset"


@dataclass(frozen=True, slots=True)
class Truncate:
    """End the connection after so many bytes of the reply; None means halfway.

    Without `framed` the reply says nothing of its length, so that a client cannot tell that it was cut.
    """

    at: int | None = None
    how: str = "close"
    framed: bool = True


@dataclass(frozen=True, slots=True)
class Drip:
    """Send the reply in small pieces with pauses."""

    bytes_each: int = 1
    pause_s: float = 0.05


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection after a whole reply that promised to keep it open."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer with bytes that are not HTTP."""

    text: str = "\x00\x01 this is not HTTP\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait before going on; account locks of the call stay held."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Cut the client off now, and go on when released or when the clock has moved `after_s` further.

    `cut` is how the client loses touch: `reset`, `close`, or `hang` (nothing is said until its own timeout).
    """

    label: str = "hold"
    after_s: float | None = None
    cut: str = "reset"


@dataclass(frozen=True, slots=True)
class ExpireSession:
    """End the session of the call's token (all sessions with `everyone`)."""

    everyone: bool = False


@dataclass(frozen=True, slots=True)
class FailRows:
    """Refuse rows of the call: by index, from an index on, by id or by a value they carry; all if none is given."""

    rows: tuple[int, ...] = ()
    keys: tuple[str, ...] = ()
    from_row: int | None = None
    code: str = "UNABLE_TO_LOCK_ROW"
    message: str = "unable to obtain exclusive access to this record or 1 records"
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reshape:
    """Spoil a list of results: `fewer`, `more`, `reversed`, `rotated` or `empty`.

    `depth` is how many lists to go through before: 1 is the rows of each part of a composite.
    """

    how: str = "fewer"
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Spoil:
    """Spoil the form of a good answer: `gzip` (broken), `type` (text/html), `json` (cut short, whole length)."""

    how: str = "gzip"


@dataclass(frozen=True, slots=True)
class ChangeOrg:
    """Let somebody change the org at this moment; `table` is what `org_changes.py` takes."""

    table: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Redeliver:
    """Process the request twice, as a proxy that repeats it; the client sees the first or the last answer.

    With `later` the client has its answer at once and the second delivery waits as a held call does.
    """

    answer: str = "last"
    later: bool = False
    label: str = "hold"
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill a process at once, without a chance to clean up, and drop its connection."""

    pid: int


@dataclass(frozen=True, slots=True)
class FailJob:
    """End a job as Failed with this errorMessage; what it wrote before stays.

    Midway after n rows is `commit` n / 200, after that chunk's commit or instead of it.
    """

    message: str = "InternalServerError : The job could not be processed."


@dataclass(frozen=True, slots=True)
class RetryBatch:
    """Lose the worker of a job's batch; the platform takes the batch up again."""


@dataclass(frozen=True, slots=True)
class AwaitPolls:
    """Let a job wait until its info was read so many more times."""

    polls: int = 1


Action = (
    Refuse
    | Page
    | Redirect
    | Drop
    | Truncate
    | Drip
    | HangUp
    | Garbage
    | Delay
    | Hold
    | ExpireSession
    | FailRows
    | Reshape
    | Spoil
    | ChangeOrg
    | Redeliver
    | Kill
    | FailJob
    | RetryBatch
    | AwaitPolls
)
_KINDS: Final[dict[str, Callable[..., Action]]] = {
    "refuse": Refuse,
    "page": Page,
    "redirect": Redirect,
    "drop": Drop,
    "truncate": Truncate,
    "drip": Drip,
    "hang_up": HangUp,
    "garbage": Garbage,
    "delay": Delay,
    "hold": Hold,
    "expire_session": ExpireSession,
    "fail_rows": FailRows,
    "reshape": Reshape,
    "spoil": Spoil,
    "change_org": ChangeOrg,
    "redeliver": Redeliver,
    "kill": Kill,
    "fail_job": FailJob,
    "retry_batch": RetryBatch,
    "await_polls": AwaitPolls,
}

_CHOICES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("drop", "how"): ("reset", "close"),
    ("truncate", "how"): ("reset", "close"),
    ("hold", "cut"): ("reset", "close", "hang"),
    ("reshape", "how"): tuple(SHAPES),
    ("spoil", "how"): ("gzip", "type", "json"),
    ("redeliver", "answer"): ("first", "last"),
}


_NUMBERS: Final = (int, float, int | None, float | None)


def action_from(table: dict[str, Any]) -> Action:
    """Return the action of a JSON table.

    Raises: ValueError for an unknown action or field.
    """
    kind = _KINDS.get(str(table.get("action")))
    if kind is None:
        raise ValueError(f"action is one of {', '.join(_KINDS)}")
    types = {item.name: item.type for item in fields(cast("type[Refuse]", kind))}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) and name in {"rows", "keys", "fields"} else value
        for name, value in table.items()
        if name != "action"
    }
    if unknown := set(values) - set(types):
        raise ValueError(f"unknown fields of {table['action']}: {', '.join(sorted(unknown))}")
    for name, value in values.items():
        choices = _CHOICES.get((str(table["action"]), name))
        if choices and value not in choices:
            raise ValueError(f"{name} of {table['action']} is one of {', '.join(choices)}, not {value!r}")
        if value is not None and types[name] in _NUMBERS and not _is_number(value):
            raise ValueError(f"{name} of {table['action']} is a number, not {value!r}")
    return kind(**values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def action_as_json(action: Action) -> dict[str, Any]:
    """Return the JSON table of an action."""
    kind = next(name for name, kind in _KINDS.items() if kind is type(action))
    return {"action": kind, **asdict(action)}
