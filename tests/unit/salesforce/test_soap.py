"""SOAP envelopes: escaping, the token's place, and answers that are not read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfsync.salesforce.soap import child_text, element, envelope, fault_evidence, parsed, with_token

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


@given(st.text())
def test_any_text_comes_back_as_it_was_but_for_what_xml_cannot_hold(text: str) -> None:
    """Whatever a name holds, the envelope stays whole XML with one element of that text."""
    body = with_token(envelope("convertLead", element("opportunityName", text)), "token")
    found = child_text(parsed(body.decode("utf-8")), "opportunityName")
    kept = "".join(
        each if each in "\t\n\r" or (each >= " " and not 0xFFFE <= ord(each) <= 0xFFFF) else " "
        for each in text
    )
    assert found == kept.replace("\r\n", "\n").replace("\r", "\n").strip()


def test_the_token_is_put_in_last_and_escaped() -> None:
    """A value that looks like the token's place is no such place."""
    body = with_token(envelope("convertLead", element("opportunityName", "\x00token\x00")), "a<b")
    assert body.count(b"a&lt;b") == 1
    assert b"\x00" not in body


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<a/>",
        f'<e:Envelope xmlns:e="{SOAP}"><e:Body/></e:Envelope>',
        f'<e:Envelope xmlns:e="{SOAP}"><e:Body><a/><b/></e:Body></e:Envelope>',
        f'<!DOCTYPE a><e:Envelope xmlns:e="{SOAP}"><e:Body><a/></e:Body></e:Envelope>',
        f'<e:Envelope xmlns:e="{SOAP}"><e:Body><a/></e:Body>',
    ],
)
def test_what_is_no_whole_envelope_is_not_read(text: str) -> None:
    """Nor is one that declares a document type."""
    with pytest.raises(ValueError, match=r"XML|envelope|document type"):
        parsed(text)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"<html/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"])
def test_an_error_that_is_no_fault_shows_only_its_status(body: bytes) -> None:
    """It may come from a proxy, so it proves nothing."""
    found = fault_evidence(502, body)
    assert (found.status, found.code, found.is_json) == (502, "", False)
