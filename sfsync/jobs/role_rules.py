"""What a job file says of primary contacts and of contacts in several roles: checked, and as a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sfsync.core.contact_roles.role_rules import RULE_WORDS, RoleRules, SameContact, primary_rule
from sfsync.core.wording import listed, nearest
from sfsync.jobs.job_form import RolesForm
from sfsync.jobs.mistakes import Mistake, shown

_PATH: Final = ("roles", "primary")


def role_rules(form: RolesForm) -> RoleRules:
    """The rules of a job."""
    primary, preferred = primary_rule(tuple(form.primary))
    return RoleRules(primary, preferred, SameContact(form.same_contact))


def role_rule_mistakes(document: Mapping[str, Any]) -> Iterator[Mistake]:
    """What is wrong with the meaning of `roles.primary`; what is of the wrong kind is passed over here."""
    roles = document.get("roles")
    primary = roles.get("primary") if isinstance(roles, Mapping) else None
    if isinstance(primary, str) and primary and primary not in RULE_WORDS:
        close = nearest(primary, RULE_WORDS, most=1)
        ending = f'; did you mean "{close[0]}"?' if close else "; role names go in a list"
        yield Mistake(_PATH, f"= {shown(primary)} is none of {listed(RULE_WORDS)}{ending}")
    names = [each for each in primary if isinstance(each, str)] if isinstance(primary, list) else []
    for word, times in Counter(names).items():
        if word in RULE_WORDS:
            yield Mistake(_PATH, f'is a list of role names; the rule is written primary = "{word}"')
        if times > 1:
            yield Mistake(_PATH, f'names "{word}" twice')
