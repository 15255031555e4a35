"""How a page is written: text that stays text whatever it holds, tables, and the frame around all pages.

`Html` is text that may stand in a page as it is; everything else is escaped where it is put in. A page has no
script, and a policy that allows its own style sheet by hash and nothing else.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --ink: #14202b; --paper: #fff; --faint: #5a6b7b; --line: #d5dde5;
  --mark: #0b5cab; --on: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eef4; --paper: #14191f; --faint: #a3b3c2; --line: #35424f; --mark: #7ab8f5; --on: #10151a }
}
body { font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 70rem; padding: 1rem }
a { color: var(--mark) }
h1 { font-size: 1.5rem; margin: .5rem 0; overflow-wrap: anywhere }
h2 { font-size: 1.15rem; margin: 1.5rem 0 .5rem }
.faint { color: var(--faint) }
.number { text-align: right; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; color: var(--faint) }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: break-word; min-width: 5rem }
th, .number { white-space: nowrap }
.path { list-style: none; display: flex; flex-wrap: wrap; gap: .25rem; padding: 0 }
.path li { border: 1px solid var(--line); border-radius: 1rem; padding: .2rem .8rem; color: var(--faint) }
.path .done { color: var(--ink) }
.path [aria-current] { background: var(--mark); color: var(--on); border-color: var(--mark) }
dl { display: grid; grid-template-columns: minmax(7rem, 14rem) 1fr; gap: .2rem 1rem }
dt { color: var(--faint) }
dd { margin: 0; overflow-wrap: anywhere }
meter { width: 8rem }
""".strip()

_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        f"style-src 'sha256-{_HASH}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as text of a page; nothing is an empty cell."""
    if isinstance(value, Html):
        return value
    if value is None:
        return Html("")
    if isinstance(value, bool):
        return Html("yes" if value else "no")
    return Html(escape(str(value)))


def tag(name: str, *inner: object, **attributes: str) -> Html:
    """An element; a trailing underscore of an attribute's name is left out (`class_`)."""
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items()
    )
    return Html(f"<{name}{words}>{joined(inner)}</{name}>")


def joined(parts: Iterable[object]) -> Html:
    """Parts one after the other."""
    return Html("".join(text(part) for part in parts))


def link(address: str, name: object) -> Html:
    """A link to one of the pages."""
    return tag("a", name if name not in (None, "") else address, href=address)


def table(
    caption: str, headers: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[int] = ()
) -> Html:
    """A table that says what it holds; `numbers` are columns whose cells are numbers."""
    if not rows:
        return tag("p", f"{caption}: none", class_="faint")
    heads = [tag("th", header, scope="col", **_kind(place, numbers)) for place, header in enumerate(headers)]
    lines = [
        tag("tr", *(tag("td", cell, **_kind(place, numbers)) for place, cell in enumerate(row)))
        for row in rows
    ]
    inner = tag("table", tag("caption", caption), tag("thead", tag("tr", *heads)), tag("tbody", *lines))
    return tag("div", inner, class_="wide", tabindex="0", role="region", aria_label=caption)


def _kind(place: int, numbers: Sequence[int]) -> dict[str, str]:
    return {"class_": "number"} if place in numbers else {}


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Names and values of one record; empty ones are left out."""
    told = [(name, value) for name, value in pairs if value not in (None, "")]
    return tag("dl", *(joined((tag("dt", name), tag("dd", value))) for name, value in told))


def page(title: str, org: str, *parts: object) -> bytes:
    """A whole page."""
    nav = tag(
        "nav",
        link("/", "Start"),
        " · ",
        link("/lightning/o/Opportunity/list", "Pipeline"),
        aria_label="Pages",
    )
    told = tag("p", f"{org}: an org that the sfsync emulator plays. Nothing here is real.", class_="faint")
    head = joined(
        (
            Html(
                '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            ),
            tag("title", f"{title} · {org}"),
            Html(f"<style>{STYLE}</style>"),
        )
    )
    body = tag("body", tag("header", nav), tag("main", tag("h1", title), *parts), tag("footer", told))
    return ("<!doctype html>\n" + tag("html", tag("head", head), body, lang="en")).encode("utf-8", "replace")
