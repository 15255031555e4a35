"""Options that several commands share, spelled and explained once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from sfsync.core.job import Job, Limits, UpdateMode
from sfsync.core.sending.pace import MOST_THREADS
from sfsync.core.sending.strategy import Strategy
from sfsync.core.writes import Route

if TYPE_CHECKING:
    from sfsync.app.workplace import Surroundings

_Command = TypeVar("_Command", bound=Callable[..., Any])

STRATEGIES: Final[Mapping[str, Strategy | None]] = {"auto": None} | {each.value: each for each in Strategy}
"""The ways that writes may travel, by the words of the command line; auto leaves it to the plan."""

_ROUTES: Final = ("job-fence", "key-fence", "receipt-fence")
_DURATION: Final = re.compile(r"(\d{1,6})(s|m|h)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}


def org_option(command: _Command) -> _Command:
    """`-o NAME`: which org."""
    return click.option(
        "-o",
        "--target-org",
        "org",
        metavar="NAME",
        help="The org: a profile in config/orgs/, or SFSYNC_ORGS__NAME__... in the environment.",
    )(command)


def org_id_option(command: _Command) -> _Command:
    """`--org-id`: the org by its id, so that nobody has to log in."""
    return click.option(
        "--org-id",
        metavar="00D...",
        help="The org by its id: the journal is asked, and no network is needed.",
    )(command)


def json_option(command: _Command) -> _Command:
    """`--json`: one document on stdout."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else."
    )(command)


def outage_option(command: _Command) -> _Command:
    """`--max-outage MINUTES`: how long a run waits for an org that went away."""
    return click.option(
        "--max-outage",
        type=click.IntRange(0, 1440),
        metavar="MINUTES",
        help="Wait so long when the org stops answering in the middle; by default 30 minutes, for an import 0.",
    )(command)


def threads_option(command: _Command) -> _Command:
    """`--threads N`: how many calls may be in flight at a time."""
    return click.option(
        "--threads",
        type=click.IntRange(1, MOST_THREADS),
        metavar="N",
        help="Send at most N calls at a time, 1 to 8; by default 4, or what the job says. Calls that would lock "
        "one account never go at the same time.",
    )(command)


def budget_option(command: _Command) -> _Command:
    """`--api-budget N`: how many API calls a run may take."""
    return click.option(
        "--api-budget",
        type=click.IntRange(min=1),
        metavar="N",
        help="Take at most N API calls, planning included. By default a run stops when the org has used 80 % of "
        "its day's calls; with N it may use them all the same.",
    )(command)


def jitter_option(command: _Command) -> _Command:
    """`--start-jitter SECONDS`: at most so long a run waits before it begins."""
    return click.option(
        "--start-jitter",
        type=click.IntRange(0, 3600),
        default=0,
        metavar="SECONDS",
        help="Begin after a random time of at most so many seconds, an hour at most, so that jobs that a "
        "scheduler starts together do not meet at the org.",
    )(command)


def full_option(command: _Command) -> _Command:
    """`--full`: everything is read and verified, also what did not change since the last run."""
    return click.option(
        "--full",
        is_flag=True,
        help="Read and verify all rows, also those that did not change since the last run.",
    )(command)


def partition_option(command: _Command) -> _Command:
    """`--partition I/N`: the share of the job that this process brings."""
    return click.option(
        "--partition",
        metavar="I/N",
        help="Bring the I-th of N shares of the deals with their roles, so that N processes share the job on one "
        "journal; 0/N are the accounts and contacts, which go first.",
    )(command)


def progress_option(command: _Command) -> _Command:
    """`--progress`: how progress is shown on stderr."""
    return click.option(
        "--progress",
        type=click.Choice(["auto", "bar", "lines", "json", "none"]),
        default="auto",
        show_default=True,
        help="How progress is shown on stderr; auto is a bar on a terminal and a line now and then on a pipe.",
    )(command)


@dataclass(frozen=True, slots=True)
class Safety:
    """What a person said on the command line about how far a run may go, and by which routes."""

    limits: Limits
    route: Route | None = None
    update_mode: UpdateMode | None = None
    accept_after_s: float | None = None
    max_outage_s: float | None = None
    verify: bool | None = None
    threads: int | None = None
    strategy: str | None = None

    def around(self, surroundings: Surroundings) -> Surroundings:
        """The surroundings with these limits."""
        outage_s = surroundings.max_outage_s if self.max_outage_s is None else self.max_outage_s
        return replace(
            surroundings,
            limits=self.limits,
            accept_after_s=self.accept_after_s,
            max_outage_s=outage_s,
            threads=self.threads or surroundings.threads,
        )

    def of(self, job: Job) -> Job:
        """The job with these words in place of its own."""
        return replace(
            job,
            route=self.route or job.route,
            update_mode=self.update_mode or job.update_mode,
            verify=job.verify if self.verify is None else self.verify,
            strategy=job.strategy if self.strategy is None else STRATEGIES[self.strategy],
        )


class _Duration(click.ParamType[float]):
    """A length of time such as 90s, 15m or 1h, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = _DURATION.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no length of time; examples are 90s, 15m, 1h", param, ctx)
        return float(int(found[1]) * _SECONDS[found[2]])


def safety_options(*, repeats: bool = True, plans: bool = True) -> Callable[[_Command], _Command]:
    """How far a run may go and by which routes; the command gets them as one `safety`.

    `repeats` adds what lets rows go again of which nobody can say, for commands that write; `plans` adds how writes
    travel, for commands that plan a job.
    """

    def decorated(command: _Command) -> _Command:
        @functools.wraps(command)
        def with_safety(*args: Any, **options: Any) -> Any:
            return command(*args, safety=_safety(options), **options)

        options = _LIMITS + (_STRATEGY if plans else ()) + (_REPEATS if repeats else ())
        return functools.reduce(lambda made, option: option(made), reversed(options), with_safety)  # type: ignore[return-value]

    return decorated


def _safety(options: dict[str, Any]) -> Safety:
    """Takes the options out and makes one value of them."""
    route, updates = options.pop("route"), options.pop("updates")
    accepts = options.pop("accept_duplicates", False)
    wait_s = options.pop("wait_for_zombies", 0.0)
    outage_min = options.pop("max_outage")
    limits = Limits(
        max_changes=options.pop("max_changes"),
        max_failures=options.pop("max_failures"),
        canary=options.pop("canary"),
        allow_deletes=options.pop("allow_deletes"),
        confirmed=options.pop("confirm"),
        api_budget=options.pop("api_budget"),
    )
    return Safety(
        limits,
        route=Route(route.replace("-", " ")) if route else None,
        update_mode=UpdateMode(updates) if updates else None,
        accept_after_s=wait_s if accepts else None,
        max_outage_s=None if outage_min is None else outage_min * 60.0,
        verify=options.pop("verify"),
        threads=options.pop("threads"),
        strategy=options.pop("strategy", None),
    )


_COUNT: Final = click.IntRange(min=0)

_LIMITS: Final = (
    click.option(
        "--max-changes",
        type=_COUNT,
        metavar="N",
        help="Stop (exit 6) when the plan writes more than N records.",
    ),
    click.option(
        "--max-failures",
        type=_COUNT,
        metavar="N",
        help="Stop (exit 6) when more than N rows were refused or nobody can say of them.",
    ),
    click.option(
        "--canary",
        type=click.IntRange(min=1),
        metavar="N",
        help="Write N deals first and read them back; the rest goes only when they are as they were meant.",
    ),
    click.option("--allow-deletes", is_flag=True, help="Let the plan delete records of the org."),
    click.option(
        "--confirm",
        metavar="DIGEST",
        help="Let exactly this plan go although it is out of proportion; the refusal shows its DIGEST.",
    ),
    click.option(
        "--route",
        type=click.Choice(_ROUTES),
        help="The laxest route that creates may take; stop when the org gives only a laxer one.",
    ),
    click.option(
        "--updates",
        type=click.Choice([UpdateMode.STRICT.value, UpdateMode.FAST.value]),
        help="strict: an update goes only if nobody has edited the record meanwhile; fast: without that condition.",
    ),
    click.option(
        "--verify/--no-verify",
        default=None,
        help="Judge what is read back value by value: ignored, cut off, rounded, defaulted, changed by automation "
        "or by somebody. It costs no call. By default for imports only, unless [safety] verify says otherwise.",
    ),
    budget_option,
    outage_option,
    threads_option,
)

_STRATEGY: Final = (
    click.option(
        "--strategy",
        type=click.Choice(list(STRATEGIES)),
        help="How writes travel. auto, unless the job says otherwise: whichever way takes the fewest API calls and "
        "keeps them safe to repeat. Stops where another one is not possible.",
    ),
)

_REPEATS: Final = (
    click.option(
        "--accept-duplicates",
        is_flag=True,
        help="Send rows again that went once without any fence and of which nobody can say, unless a record looks "
        "like them. Should the first sending arrive late, the org has them twice. The report names each.",
    ),
    click.option(
        "--wait-for-zombies",
        type=_Duration(),
        default="15m",
        show_default=True,
        metavar="TIME",
        help="With --accept-duplicates: how long after its sending a row may go again.",
    ),
)
