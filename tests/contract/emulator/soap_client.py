"""A small client that speaks SOAP to a running emulator, by hand, so that tests see every byte."""

from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import requests

from sfsync.emulator.server import RunningEmulator

PARTNER = "urn:partner.soap.sforce.com"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def local(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag.rpartition("}")[2]


def as_dict(element: ET.Element) -> Any:
    """Return an element as text, None for nil, or a dictionary; names that repeat become lists."""
    if element.get(NIL) == "true":
        return None
    if not len(element):
        return element.text or ""
    found: dict[str, Any] = {}
    for child in element:
        name, value = local(child.tag), as_dict(child)
        if name in found:
            found[name] = [*(found[name] if isinstance(found[name], list) else [found[name]]), value]
        else:
            found[name] = value
    return found


@dataclass
class Soap:
    """The SOAP endpoint of one emulator, with a session unless another one is given."""

    emulator: RunningEmulator
    version: str = "64.0"
    session_id: str = ""

    def post(self, operation: str, *, headers: str = "", **http: str) -> requests.Response:
        """Send an operation as it stands, in an envelope with a SessionHeader."""
        session = self.session_id or self.emulator.access_token
        body = (
            '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/" '
            f'xmlns:p="{PARTNER}" xmlns:o="urn:sobject.partner.soap.sforce.com" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<env:Header><p:SessionHeader><p:sessionId>{session}</p:sessionId></p:SessionHeader>{headers}"
            f"</env:Header><env:Body>{operation}</env:Body></env:Envelope>"
        )
        return self.send(body, **http)

    def send(self, body: str, **http: str) -> requests.Response:
        """Send a whole body; keywords replace HTTP headers, an empty one leaves a header out."""
        headers = {"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'}
        headers |= {name.replace("_", "-"): value for name, value in http.items()}
        kept = {name: value for name, value in headers.items() if value}
        url = f"{self.emulator.instance_url}/services/Soap/u/{self.version}"
        return requests.post(url, body.encode(), headers=kept, timeout=10)

    def results(self, operation: str, *, headers: str = "") -> list[dict[str, Any]]:
        """Run an operation and return its results."""
        answer = self.post(operation, headers=headers)
        assert answer.status_code == 200, answer.text
        return results_of(answer)

    def convert(self, lead: str, *, headers: str = "", **arguments: str) -> dict[str, Any]:
        """Convert one lead and return its result."""
        return self.results(
            f"<p:convertLead>{convert_row(lead, **arguments)}</p:convertLead>", headers=headers
        )[0]


def results_of(answer: requests.Response) -> list[dict[str, Any]]:
    """Return the results in an answer."""
    body = ET.fromstring(answer.content)[-1]
    return [as_dict(each) for each in body[0]]


def fault_of(answer: requests.Response) -> dict[str, Any]:
    """Return the fault that an answer is."""
    assert answer.status_code == 500, answer.text
    assert answer.headers["Content-Type"] == "text/xml;charset=UTF-8"
    return as_dict(ET.fromstring(answer.content)[-1][0])  # type: ignore[no-any-return]


def code_of(answer: requests.Response) -> str:
    """Return the platform's code in a fault."""
    (detail,) = fault_of(answer)["detail"].values()
    return str(detail["exceptionCode"])


def convert_row(lead: str, **arguments: str) -> str:
    """Return a leadConverts element with the least that is needed, and the arguments."""
    values = {"convertedStatus": "Closed - Converted", **arguments, "leadId": lead}
    elements = "".join(f"<p:{name}>{value}</p:{name}>" for name, value in values.items() if value != "")
    return f"<p:leadConverts>{elements}</p:leadConverts>"
