"""SOAP as far as sfsync needs it: an envelope with the session's token, and the parts of an answer.

A small envelope and not a SOAP library: the one door must send it, with its deadlines, guards and proofs, and it
is a dozen elements. The token is put in by the door, for whichever session is current; until then `TOKEN_PLACE`
stands there, whose character no XML can hold, so no value can be taken for it. An answer that declares a document
type is not read, so that no entity can be made.
Source: SOAP 1.1; SOAP API Developer Guide, SessionHeader and faults; Partner WSDL.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from sfsync.core.sending.verdict import Evidence

XML: Final = "text/xml"
TOKEN_PLACE: Final = b"\x00token\x00"

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
PARTNER: Final = "urn:partner.soap.sforce.com"

_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FAULT_STATUS: Final = 400
"""What a fault with a code of the platform counts as. Its HTTP status is 500 whatever it says, which tells nothing:
the code does, and an unknown one refuses the request as it does over REST."""


def element(name: str, value: str) -> str:
    """One element of the API with text; characters that no XML can hold become blanks."""
    return f"<p:{name}>{escape(_NOT_XML.sub(' ', value))}</p:{name}>"


def envelope(operation: str, parts: str) -> bytes:
    """The request of an operation; `parts` is XML made by `element`. Its token is still to be put in."""
    head = (
        f'<env:Envelope xmlns:env="{ENVELOPE}" xmlns:p="{PARTNER}"><env:Header><p:SessionHeader><p:sessionId>'
    )
    tail = f"</p:sessionId></p:SessionHeader></env:Header><env:Body><p:{operation}>{parts}</p:{operation}>"
    return head.encode() + TOKEN_PLACE + f"{tail}</env:Body></env:Envelope>".encode()


def with_token(body: bytes, token: str) -> bytes:
    """The body with a token in its place."""
    return body.replace(TOKEN_PLACE, escape(token).encode())


def parsed(text: str) -> ET.Element:
    """The one element inside the body of an answer's envelope.

    Raises:
        ValueError: the text is no whole envelope, or it declares a document type.
    """
    if "<!DOCTYPE" in text:
        raise ValueError("a document type is declared")
    try:
        root = ET.fromstring(text)  # noqa: S314  # without a document type there are no entities
    except ET.ParseError:
        raise ValueError("no whole XML") from None
    body = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or body is None or len(body) != 1:
        raise ValueError("no envelope with one answer")
    return body[0]


def child_text(node: ET.Element, name: str) -> str:
    """The text of the child of that name in the API's namespace; "" where it is empty or not there."""
    return (node.findtext(f"{{{PARTNER}}}{name}") or "").strip()


def fault_evidence(status: int, body: bytes) -> Evidence:
    """What an error answer shows: a fault's code and message, or only the status where it is none of the platform.

    Source: SOAP API Developer Guide, "API Fault Element": `faultcode` is `sf:` and the exception code.
    """
    try:
        fault = parsed(body.decode("utf-8"))
    except ValueError:
        return Evidence(status=status)
    prefix, _, code = (fault.findtext("faultcode") or "").strip().partition(":")
    if fault.tag != f"{{{ENVELOPE}}}Fault" or prefix != "sf" or not _CODE.fullmatch(code):
        return Evidence(status=status)
    message = (fault.findtext("faultstring") or "").strip()
    return Evidence(status=_FAULT_STATUS, is_json=True, code=code, message=message)
