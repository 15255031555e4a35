"""A suggestion as the text of a job file: TOML, each guess with its evidence in a comment, what is open marked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from sfsync.core.suggesting.suggestion import RuleGuess, SectionGuess, Suggestion
from sfsync.core.suggesting.undecided import MARK, Decision, open_lines

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST: Final = 160


def job_text(suggestion: Suggestion) -> str:
    """The job file, ready to be reviewed."""
    lines = [*_opening(suggestion), *_setting("org", suggestion.org)]
    for section in suggestion.sections:
        lines += ["", *_section(section)]
    return "\n".join(lines) + "\n"


def text_of(value: str) -> str:
    """A TOML text."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def comment(text: str) -> str:
    """A text that can stand in a comment, on one line."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return f"# {shown if len(shown) <= _LONGEST else shown[: _LONGEST - 3] + '...'}"


def open_count(text: str) -> int:
    """How many marked lines a job text has."""
    import tomllib

    return len(open_lines(tomllib.loads(text)))


def _opening(suggestion: Suggestion) -> Iterator[str]:
    rows = "1 row" if suggestion.rows == 1 else f"{suggestion.rows:,} rows"
    yield comment(f"Suggested by sfsync from {suggestion.file}: {rows}, all of them read.")
    yield comment(
        f'Review it. Whatever begins with "{MARK.strip()}" is for you to decide; sfsync check names the edit.'
    )
    for rejected in suggestion.rejected:
        lines = ", ".join(str(each) for each in rejected.lines)
        where = f" (line{'s' if len(rejected.lines) > 1 else ''} {lines})" if lines else ""
        count = "1 row" if rejected.count == 1 else f"{rejected.count:,} rows"
        yield comment(f"  would be rejected: {count}: {rejected.why}{where}")
    for note in suggestion.notes:
        yield comment(f"  {note}")


def _setting(key: str, decision: Decision) -> Iterator[str]:
    *first, last = decision.why.split("\n") if decision.why else [""]
    for each in first:
        yield comment(each)
    yield f"{key} = {text_of(decision.text)}{f'  {comment(last)}' if last else ''}"


def _section(section: SectionGuess) -> Iterator[str]:
    yield f"[{section.name}]"
    for key, decision in section.settings.items():
        yield from _setting(key, decision)
    if section.preset is not None:
        yield from _setting("preset", section.preset)
    yield from _key(section)
    yield from _ignore(section)
    rules = [each for each in section.rules if not each.says_nothing]
    key_rule = list(_key_rule(section))
    said = [each for each in section.rules if each.says_nothing]
    if rules or key_rule or said:
        yield ""
    if rules or key_rule:
        yield f"[{section.name}.fields]"
    for each in said:
        yield comment(f"{each.field} comes by the {each.evidence}")
    yield from key_rule
    for each in rules:
        if each.words is None:
            yield from _rule(each)
    for each in rules:
        if each.words is not None:
            yield from _table(each, section.name)


def _table(rule: RuleGuess, section: str) -> Iterator[str]:
    """A rule with a map, which has a line for each word."""
    place = f"{section}.fields.{_name(rule.field)}"
    yield ""
    yield comment(f"{rule.field}: {rule.evidence}")
    for note in rule.notes:
        yield comment(f"  {note}")
    yield f"[{place}]"
    yield from _parts(rule)
    yield ""
    yield f"[{place}.map]"
    for guess in rule.words or ():
        count = "1 row" if guess.word.count == 1 else f"{guess.word.count:,} rows"
        why = comment(f"{count}, first in line {guess.word.line}: {guess.becomes.why}")
        yield f"{text_of(guess.word.text)} = {text_of(guess.becomes.text)}  {why}"


def _key(section: SectionGuess) -> Iterator[str]:
    if section.key is None or section.key_column is None:
        return
    if section.key.value == "row_key":
        why = f"{section.key.why}; {section.key_column.why}"
        yield from _setting(
            "row_key",
            Decision(section.key_column.value, section.key_column.choices, section.key_column.advice, why),
        )
    else:
        yield from _setting("key", section.key)


def _key_rule(section: SectionGuess) -> Iterator[str]:
    if section.key is None or section.key_column is None or section.key.value == "row_key":
        return
    if section.key_is_preset:
        yield comment(f"the key comes from {section.key_column.value}: {section.key_column.why}")
    elif section.key.is_open:
        yield comment("and below, under the name of that field: FIELD = COLUMN")
        yield comment(f"  the column: {section.key_column.text.removeprefix(MARK)}; {section.key_column.why}")
    else:
        yield from _setting(_name(section.key.value), section.key_column)


def _ignore(section: SectionGuess) -> Iterator[str]:
    if not section.left_out and not section.open_columns:
        return
    yield "ignore = ["
    for each in section.left_out:
        yield f"  {text_of(each.column)},  {comment(each.why)}"
    for each in section.open_columns:
        yield f"  {text_of(MARK + each.column)},  {comment(each.why)}"
    yield "]"


def _rule(rule: RuleGuess) -> Iterator[str]:
    if rule.whole is not None:
        yield from _setting(_name(rule.field), rule.whole)
        return
    yield comment(f"{rule.field}: {rule.evidence}")
    for what, decision in (("numbers", rule.numbers), ("dates", rule.dates)):
        if decision is not None:
            yield comment(f"  {what}: {decision.why}")
    if rule.match and not rule.is_overlay:
        yield comment(f"  looked up by {', then '.join(rule.match)}")
    for note in rule.notes:
        yield comment(f"  {note}")
    parts = list(_parts(rule))
    name = _name(rule.field)
    if parts == [f"column = {text_of(rule.columns[0])}"]:
        yield f"{name} = {text_of(rule.columns[0])}"
    else:
        yield f"{name} = {{ {', '.join(parts)} }}"


def _parts(rule: RuleGuess) -> Iterator[str]:
    if not rule.is_overlay:
        yield f"column = {text_of(rule.columns[0])}"
    if rule.match and not rule.is_overlay:
        yield f"match = [{', '.join(text_of(each) for each in rule.match)}]"
    if rule.numbers is not None:
        yield f"numbers = {text_of(rule.numbers.text)}"
    if rule.dates is not None:
        yield f"format = {text_of(rule.dates.text)}"


def _name(field: str) -> str:
    return field if _BARE.fullmatch(field) else text_of(field)
