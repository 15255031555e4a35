"""References between subrequests: `@{opp.id}` in addresses and bodies, taken from earlier answers.

A reference without a value halts the subrequest that makes it. Names and paths are compared with case.
Source: REST API Developer Guide, Composite Request Body [D]; halted text reported [P].
"""

import re
from typing import Any, Final
from urllib.parse import quote

from sfsync.emulator.errors import ApiError

_REFERENCE: Final = re.compile(r"@\{([^.{}]+)\.([^}]+)\}")
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
REFERENCE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*")

Answers = dict[str, Any]


def names_in(value: object) -> set[str]:
    """Return the reference ids that a subrequest's address or body names."""
    if isinstance(value, str):
        return {match.group(1) for match in _REFERENCE.finditer(value)}
    if isinstance(value, dict):
        return set().union(*map(names_in, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(names_in, value)) if value else set()
    return set()


def resolved(value: Any, answers: Answers) -> Any:
    """Return the value with every reference replaced.

    Raises: ApiError PROCESSING_HALTED for a reference without a value.
    """
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole:
            return _looked_up(whole, answers)
        return _REFERENCE.sub(lambda match: str(_looked_up(match, answers)), value)
    if isinstance(value, dict):
        return {key: resolved(part, answers) for key, part in value.items()}
    if isinstance(value, list):
        return [resolved(part, answers) for part in value]
    return value


def resolved_url(url: str, answers: Answers) -> str:
    """Return an address with its references replaced by encoded values."""
    return _REFERENCE.sub(lambda match: quote(str(_looked_up(match, answers)), safe=""), url)


def _looked_up(match: re.Match[str], answers: Answers) -> Any:
    name, path = match.groups()
    value = answers.get(name)
    for key, index in _STEP.findall(path):
        if key and isinstance(value, dict):
            value = value.get(key)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            value = None
    if value is None:
        message = f"Invalid reference specified. No value for {name}.{path} found in {name}"
        raise ApiError(400, "PROCESSING_HALTED", message)
    return value
