"""What a job file may say of primary contacts and of contacts in several roles."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_job_mistakes import GOOD, ROLES, said

from sfsync.core.contact_roles.role_rules import PrimaryRule, RoleRules, SameContact
from sfsync.jobs import load_job


def rules(folder: Path, text: str) -> RoleRules:
    """The rules of a job with this [roles] table."""
    path = folder / "x.toml"
    path.write_text(f"{GOOD}{ROLES}[roles]\n{text}\n", encoding="utf-8")
    return load_job(path, environ={}).role_rules


@pytest.mark.parametrize("word", ["given", "keep", "first"])
def test_a_word_names_a_rule(tmp_path: Path, word: str) -> None:
    """The three words are the three rules."""
    assert rules(tmp_path, f'primary = "{word}"') == RoleRules(PrimaryRule(word))


def test_a_list_names_roles_in_the_order_of_preference(tmp_path: Path) -> None:
    """Role names, the best first."""
    found = rules(tmp_path, 'primary = ["Decision Maker", "Evaluator"]\nsame_contact = "first"')
    preferred = ("Decision Maker", "Evaluator")
    assert found == RoleRules(PrimaryRule.PREFERRED, preferred, SameContact.FIRST)


def test_without_a_word_every_row_stands_as_it_is(tmp_path: Path) -> None:
    """The rows say who is primary, and a contact may have two roles."""
    assert rules(tmp_path, "") == RoleRules()


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            'primary = "frist"',
            'roles.primary = "frist" is none of "given", "keep", "first"; did you mean "first"?',
        ),
        ('primary = "Evaluator"', "role names go in a list"),
        (
            'primary = ["first"]',
            'roles.primary is a list of role names; the rule is written primary = "first"',
        ),
        ('primary = ["Other", "Other"]', 'roles.primary names "Other" twice'),
        ("primary = []", "roles.primary is empty"),
        ("primary = 1", "roles.primary must be a list"),
        ('same_contact = "last"', "roles.same_contact"),
    ],
)
def test_a_slip_is_named(tmp_path: Path, text: str, mistake: str) -> None:
    """What is no rule is refused with what was meant."""
    assert mistake in " ".join(said(tmp_path, f"{GOOD}{ROLES}[roles]\n{text}\n"))
