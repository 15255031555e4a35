"""The command that serves the emulator: its clock, and what it says when it cannot start."""

import json
import socket
import subprocess
from pathlib import Path

import requests
from command_line import PROGRAM, sfsync

ROOT = Path(__file__).resolve().parents[2]


def test_the_clock_of_the_docs_stands_still(environ: dict[str, str]):
    """`--clock` gives the org a time of its own, in UTC unless it says otherwise, until a call moves it."""
    command = [*PROGRAM, "emulator", "serve", "--json", "--clock", "2031-02-03T04:05"]
    place = {**environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=place, cwd=ROOT) as process:
        assert process.stdout is not None
        offered = json.loads(process.stdout.readline())
        control = {"X-Sfsync-Emulator-Control": offered["access_token"]}
        url = offered["instance_url"] + "/_emulator/clock"
        moved = requests.post(url, json={"advance_s": 600}, headers=control, timeout=10).json()
        process.terminate()
    assert moved == {"now": "2031-02-03T04:15:00+00:00"}


def test_a_start_that_fails_names_what_was_wrong(environ: dict[str, str]):
    """A port in use and a time that is none end with 2 and are named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = sfsync("emulator", "serve", "--port", port, environ=environ, cwd=ROOT)
    assert (done.exit_code, f"port {port} of 127.0.0.1" in done.err) == (2, True), done.err
    done = sfsync("emulator", "serve", "--clock", "noon", environ=environ, cwd=ROOT)
    assert (done.exit_code, "'noon' is no time" in done.err) == (2, True), done.err
