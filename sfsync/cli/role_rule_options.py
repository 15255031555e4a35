"""The options of an import that say who is primary, and what a contact in two roles means."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from sfsync.core.contact_roles.role_rules import RULE_WORDS, SameContact, primary_rule
from sfsync.core.wording import listed
from sfsync.errors import ConfigError

if TYPE_CHECKING:
    from sfsync.core.job import Job


def role_rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--primary RULE` and `--same-contact RULE`."""
    primary = click.option(
        "--primary",
        metavar="RULE",
        help="Who is a deal's primary contact: given (as the rows say, the default), keep (the org's stays), "
        'first (the first row where nobody is), or role names, the best first: "Decision Maker, Evaluator".',
    )
    same_contact = click.option(
        "--same-contact",
        type=click.Choice([each.value for each in SameContact]),
        help="What one contact in two roles means: both roles (the default), the first row only, or an error.",
    )
    return primary(same_contact(command))


def with_role_rules(job: Job, primary: object, same_contact: object) -> Job:
    """The job with these words in place of its own.

    Raises:
        ConfigError: the words name no rule.
    """
    rules = job.role_rules
    if isinstance(primary, str):
        rule, preferred = primary_rule(_words(primary))
        rules = replace(rules, primary=rule, preferred=preferred)
    if isinstance(same_contact, str):
        rules = replace(rules, same_contact=SameContact(same_contact))
    if rules == job.role_rules:
        return job
    digest = hashlib.blake2b(f"{job.digest} {rules!r}".encode(), digest_size=16).hexdigest()
    return replace(job, role_rules=rules, digest=digest)


def _words(text: str) -> tuple[str, ...]:
    words = tuple(each.strip() for each in text.split(","))
    if "" in words or (len(words) > 1 and not set(RULE_WORDS).isdisjoint(words)):
        raise ConfigError(
            f"--primary {text!r} is neither one of {listed(RULE_WORDS)} nor role names with commas between them",
            code="USAGE",
            hint='For example --primary first, or --primary "Decision Maker, Evaluator".',
        )
    return words
