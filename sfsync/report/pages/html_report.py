"""The report for a browser: one HTML file with everything in it, nothing fetched from anywhere.

Whatever comes from rows or from the org is escaped by the template engine, after what a reader could not see
(control and bidirectional characters) is spelled out. A policy in the file forbids all but its own style sheet and
its own script, which it names by hash. The script makes the table of records one to search and to filter; it reads
them from inert JSON and writes texts alone. Without it everything but that table is there.
Source: W3C, Content Security Policy Level 3 (hashes); OWASP ASVS 5.0, 1.2.1.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sfsync.core.reports.report import Report
from sfsync.report.document import Files
from sfsync.report.pages.inert_json import inert
from sfsync.report.pages.page import Page, page_of
from sfsync.report.pages.page_records import written_first
from sfsync.report.safe_text import visible

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES: Final = Path(__file__).parent / "templates"


def html_report(report: Report, files: Files) -> str:
    """The report as one HTML document."""
    return html_page(page_of(report, files))


def html_page(page: Page) -> str:
    """A page as one HTML document; the same page gives the same text."""
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    records = page["records"]["entries"]
    return _template().render(
        page=page,
        style=_Trusted(style),
        style_hash=_hash(style),
        script=_Trusted(script),
        script_hash=_hash(script),
        written={each["sobject"]: written_first(records, each["sobject"]) for each in page["groups"]},
        data=_Trusted(inert({"records": records, "applied": page["applied"]})),
    )


def _hash(text: str) -> str:
    """What the policy calls a style sheet or a script by."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


class _Trusted(str):
    """Text of our own that goes into the file as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return str(self)


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja")


def _visible(value: object) -> object:
    """Text of rows and of the org with hidden characters spelled out; numbers and our own markup stay."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
