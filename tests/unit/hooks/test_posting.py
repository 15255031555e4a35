"""One POST of a hook against real servers, and errands that nobody has to wait for."""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path

import pytest
from hook_server import hook_server

from sfsync.core.hook_address import address_mistake, ping_address, shown_address
from sfsync.emulator.server import running
from sfsync.hooks.commands import tell_command
from sfsync.hooks.errands import Errands
from sfsync.hooks.posting import post

ROOT = Path(__file__).resolve().parents[3]


def said(url: str, timeout_s: float = 5.0) -> str:
    """What is said of a post there."""
    return post(url, b"text", content_type="text/plain", timeout_s=timeout_s)


def test_what_is_taken_is_silent():
    """A 2xx answer is no word at all, and the body came as it was."""
    with hook_server(status=204) as hooks:
        assert said(f"{hooks.url}/token") == ""
        assert hooks.told == [("/token", "text")]


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (500, "it answered 500"),
        (302, "it answered 302, a redirect, which is not followed"),
        (307, "it answered 307, a redirect, which is not followed"),
        (404, "it answered 404"),
    ],
)
def test_what_is_not_taken_is_said_and_no_redirect_is_followed(status, why):
    """Anything else than 2xx is told by its number, and nobody is asked a second time."""
    with hook_server(status=status) as hooks:
        assert said(f"{hooks.url}/token") == why
        assert hooks.paths == ["/token"]


def test_a_server_that_hangs_is_given_up():
    """The wait for an answer ends when its time is over."""
    with hook_server(hangs=True) as hooks:
        assert said(hooks.url, timeout_s=0.2) == "it did not answer in time"


def test_nobody_there():
    """A port on which nobody listens is said so."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert said(f"http://127.0.0.1:{taken.getsockname()[1]}/secret") == "nobody answers there"


def test_a_certificate_that_nobody_vouches_for_is_refused():
    """TLS is checked: a server with an authority of its own gets nothing."""
    with running(ROOT / "config" / "emulator" / "org.toml", tls=True) as secure:
        assert said(f"{secure.instance_url}/secret") == "its certificate is not trusted"
        assert secure.audit.requests == []


def test_plain_text_where_tls_is_meant():
    """TLS to a port that speaks none is refused."""
    with hook_server() as hooks:
        assert said(hooks.url.replace("http://", "https://")) == "it does not speak TLS as it must"
        assert hooks.told == []


@pytest.mark.parametrize(
    "address",
    [
        "http://hc-ping.com/token",
        "ftp://127.0.0.1/x",
        "file:///etc/passwd",
        "https://user:pa55@hc-ping.com/x",
        "https:///token",
        "https://hc-ping.com:port/x",
        "token",
        "https://hc-ping.com/a b",
        "https://hc-ping.com/\n",
        "https://[::1/x",
        "",
    ],
)
def test_an_address_that_no_hook_may_go_to(address):
    """Only https, or http to this machine, without a login; nothing is sent, and nothing of it is repeated."""
    assert address_mistake(address)
    assert "token" not in address_mistake(address)
    assert "pa55" not in address_mistake(address)
    assert said(address).startswith("the address ")


@pytest.mark.parametrize(
    ("address", "shown", "failed"),
    [
        ("https://hc-ping.com/5f3a", "https://hc-ping.com/...", "https://hc-ping.com/5f3a/fail"),
        ("https://hc-ping.com/5f3a/", "https://hc-ping.com/...", "https://hc-ping.com/5f3a/fail"),
        ("http://[::1]:81/p?k=1", "http://[::1]:81/...", "http://[::1]:81/p/fail?k=1"),
    ],
)
def test_an_address_in_print_and_for_a_signal(address, shown, failed):
    """The path of a ping is a token, so print has the host alone; a signal goes behind the path."""
    assert address_mistake(address) == ""
    assert shown_address(address) == shown
    assert ping_address(address, "fail") == failed
    assert ping_address(address, "") == address


def test_a_command_gets_the_document_and_no_logins(tmp_path):
    """It reads JSON on stdin, without a shell, and its environment has no login of an org."""
    script = "import os, sys; open(sys.argv[1], 'w').write(sys.stdin.read() + str(sorted(os.environ)))"
    out = tmp_path / "$(out)"
    environ = {"PATH": "/bin", "SFSYNC_ORGS__LOCAL__ACCESS_TOKEN": "00Dsecret"}
    command = (sys.executable, "-c", script, str(out))
    assert tell_command(command, b'{"event": "failure"}', environ=environ, timeout_s=20) == ""
    assert out.read_text().startswith('{"event": "failure"}[')
    assert "SFSYNC_ORGS" not in out.read_text()


@pytest.mark.parametrize(
    ("script", "timeout_s", "why"),
    [
        ("raise SystemExit(7)", 30.0, "it ended with 7"),
        ("import signal; signal.pause()", 0.3, "it did not end in time and was stopped"),
    ],
)
def test_a_command_that_fails_or_hangs_is_said(script, timeout_s, why):
    """Its exit code is told; one that does not end is killed."""
    assert tell_command((sys.executable, "-c", script), b"{}", environ={}, timeout_s=timeout_s) == why


def test_a_command_that_is_not_there():
    """Nothing is started, and that is said."""
    assert tell_command(("/no/such/command",), b"{}", environ={}, timeout_s=1) == (
        "it cannot be started (FileNotFoundError)"
    )


def test_errands_of_one_name_go_in_order_and_no_errand_holds_the_run():
    """The end of a ping waits for its start; what does not come back is given up, and what fails is said."""
    errands, order, for_ever = Errands(), [], threading.Event()
    errands.start("ping", lambda: order.append("start") or "")
    errands.start("ping", lambda: order.append("end") or "")
    errands.start("webhook", lambda: str(for_ever.wait()))
    errands.start("command", lambda: 1 / 0)
    began = time.monotonic()
    assert errands.finish(1.0) == [
        "webhook: it did not answer in time",
        "command: it failed (ZeroDivisionError)",
    ]
    assert time.monotonic() - began < 5
    assert order == ["start", "end"]
    for_ever.set()
