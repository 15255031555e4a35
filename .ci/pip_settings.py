"""Decides which package indexes and certificates this machine is set up for, by reading pip's own settings.

Place: read by bootstrap_uv (to fetch uv) and by set_up (to tell uv the same indexes). Machines behind a
mirror are configured for pip, rarely for uv, so pip's settings are the one source that can be relied on.
Invariants: standard library only, and syntax that Python 3.8 still parses, because this runs before anything
is installed. No index is named here: where pip names none, pip and uv use their own default. A password
in an index URL leaves this module only inside that URL, and `hide_secrets` takes it out of any text that is
about to be shown. find-links, client certificates and keyrings are not read.
Source: pip documentation, "Configuration" (files, their order, variables) and "HTTPS Certificates".
"""
# ruff: noqa: INP001 - a folder of scripts, started by path before the package exists

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

_SECTIONS: Final = ("global", "install")
_URL_WITH_USER: Final = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)[^/\s@]+@", re.IGNORECASE)


@dataclass(frozen=True)
class PipSettings:
    """The indexes in pip's order (None: pip's own default) and the certificate bundle, if one is named."""

    index_url: str | None = None
    extra_index_urls: tuple[str, ...] = ()
    certificates: str | None = None

    @property
    def index_urls(self) -> tuple[str, ...]:
        """Every index that is named, the default one first."""
        return (*([self.index_url] if self.index_url else []), *self.extra_index_urls)


def read_pip_settings(environ: Mapping[str, str]) -> PipSettings:
    """What pip would use under this environment; local folder indexes that do not exist are left out.

    Raises:
        configparser.Error: a settings file of pip cannot be parsed.
    """
    values = _file_values(environ)
    values.update(_environment_values(environ))
    certificates = values.get("cert") or environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE")
    return PipSettings(
        index_url=values.get("index-url") or None,
        extra_index_urls=tuple(_present(values.get("extra-index-url", "").split())),
        certificates=certificates or environ.get("SSL_CERT_FILE"),
    )


def hide_secrets(text: str, known_urls: Iterable[str] = ()) -> str:
    """The text without user names and passwords: those in its URLs, and those of the known URLs anywhere."""
    for url in known_urls:
        for secret in _secrets(url):
            text = text.replace(secret, "****")
    return _URL_WITH_USER.sub(r"\g<scheme>****@", text)


def _secrets(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    for secret in (parts.password, None if parts.password else parts.username):
        if secret:
            yield secret
            yield unquote(secret)


def _environment_values(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name[len("PIP_") :].lower().replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("PIP_") and value
    }


def _file_values(environ: Mapping[str, str]) -> dict[str, str]:
    by_section: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for path in _settings_files(environ):
        parser = configparser.RawConfigParser()
        parser.read(path, encoding="utf-8")
        for section in _SECTIONS:
            if parser.has_section(section):
                by_section[section].update(_normalised(parser.items(section)))
    return {name: value for section in _SECTIONS for name, value in by_section[section].items()}


def _normalised(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower().replace("_", "-"): value for name, value in items}


def _settings_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Pip's settings files from the weakest to the strongest."""
    named = environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return ()
    home = Path(environ.get("HOME") or Path.home())
    shared = (environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    return (
        Path("/Library/Application Support/pip/pip.conf"),
        *(Path(folder, "pip", "pip.conf") for folder in reversed(shared)),
        Path("/etc/pip.conf"),
        home / ".pip" / "pip.conf",
        Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip" / "pip.conf",
        home / "Library" / "Application Support" / "pip" / "pip.conf",
        *([Path(named)] if named else []),
    )


def _present(urls: Iterable[str]) -> Iterator[str]:
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme != "file" or Path(url2pathname(parts.path)).is_dir():
            yield url
