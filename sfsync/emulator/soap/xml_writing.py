"""Writes envelopes in the layout of recorded answers: one line, `soapenv` for the envelope, nil for nothing.

Source: recorded login answers and faults [R]; Partner WSDL (element order) [D].
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
PARTNER: Final = "urn:partner.soap.sforce.com"
FAULT: Final = "urn:fault.partner.soap.sforce.com"
_XSI: Final = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
_START: Final = f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{ENVELOPE}"'
_RESULT: Final = re.compile(rb"<result>.*?</result>", re.DOTALL)
_NOT_IN_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

Value = str | bool | int | None | Sequence[tuple[str, "Value"]]
Elements = Sequence[tuple[str, Value]]


def element(name: str, value: Value) -> str:
    """Return one element: text, nested elements in their order, or nil for None."""
    match value:
        case None:
            return f'<{name} xsi:nil="true"/>'
        case bool():
            content = str(value).lower()
        case str() | int():
            content = escape(_NOT_IN_XML.sub("", str(value)))
        case _:
            content = elements(value)
    return f"<{name}>{content}</{name}>"


def elements(pairs: Elements) -> str:
    """Return elements side by side."""
    return "".join(element(name, value) for name, value in pairs)


def envelope(operation: str, results: Elements, *, used: int | None = None, limit: int = 0) -> bytes:
    """Return the answer to an operation, with the API calls used so far where a session was charged."""
    usage: Elements = (("current", used), ("limit", limit), ("type", "API REQUESTS"))
    info = element("LimitInfoHeader", [("limitInfo", usage)])
    header = f"<soapenv:Header>{info}</soapenv:Header>" if used is not None else ""
    body = element(f"{operation}Response", results)
    text = f'{_START} xmlns="{PARTNER}" {_XSI}>{header}<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>'
    return text.encode()


def with_results(body: bytes, shape: Callable[[list[Any]], list[Any]]) -> bytes:
    """Return an answer whose results a scripted fault has rearranged."""
    rows = _RESULT.findall(body)
    return body.replace(b"".join(rows), b"".join(shape(rows))) if rows else body


def fault_envelope(code: str, message: str, *, detail: str = "") -> bytes:
    """Return a fault; `detail` is ready XML."""
    fault = elements([("faultcode", code), ("faultstring", message)])
    names = f'{_START} xmlns:sf="{FAULT}" {_XSI}>'
    body = f"<soapenv:Body><soapenv:Fault>{fault}{detail}</soapenv:Fault></soapenv:Body>"
    return f"{names}{body}</soapenv:Envelope>".encode()
