"""A Chromium that is talked to over two pipes: it opens a page, answers questions about it, and is typed into.

The DevTools protocol over --remote-debugging-pipe: JSON messages that end in a NUL byte, to the browser by
descriptor 3 and from it by 4. Nothing is fetched: hosts are not resolved, and every request of the page is kept.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chromium import FLAGS, PROGRAM


@dataclass
class Browser:
    """One tab of a browser; `requests` are the addresses that it has asked for, `complaints` its console."""

    send_to: int
    read_from: int
    session: str = ""
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _number: int = 0
    _rest: bytes = b""

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Sends a command, and waits for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.send_to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            data = os.read(self.read_from, 1 << 16)
            assert data, "the browser has ended"
            self._rest += data
        raw, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(raw)
        params = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif message.get("method") == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        return message

    def open(self, page: Path, *, script: bool = True, width: int = 1200, height: int = 900) -> None:
        """Shows a file, with or without its script, and waits until it is there."""
        self.ask("Emulation.setScriptExecutionDisabled", value=not script)
        self.size(width, height)
        self.ask("Page.navigate", url=page.as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass

    def size(self, width: int, height: int, *, is_phone: bool = False) -> None:
        """Gives the page a window of that many CSS pixels."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=is_phone,
        )

    def media(self, kind: str = "", scheme: str = "light") -> None:
        """Shows it as on a screen ("") or as in print, light or dark."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", media=kind, features=features)

    def value(self, expression: str) -> Any:
        """What an expression is in the page, as JSON."""
        told = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def press(self, key: str, *, code: int = 0, text: str = "") -> None:
        """Presses a key and lets it go."""
        named = {"key": key, "windowsVirtualKeyCode": code, "text": text}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **named)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **named)

    def type(self, text: str) -> None:
        """Types into what has the focus."""
        self.ask("Input.insertText", text=text)

    def tree(self) -> list[tuple[str, str]]:
        """What a screen reader gets: role and name of everything that is not ignored, in order."""
        nodes = self.ask("Accessibility.getFullAXTree")["nodes"]
        return [
            (str(each["role"]["value"]), str(each.get("name", {}).get("value", "")))
            for each in nodes
            if not each["ignored"]
        ]

    def picture(self, file: Path, *, width: int, height: int) -> None:
        """Writes a PNG of the upper left part of the page."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        told = self.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(told["data"]))


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with a fresh profile below `folder`, ended when the block ends."""
    to_browser, send_to = os.pipe()
    read_from, from_browser = os.pipe()
    shell = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
    command = [PROGRAM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--remote-debugging-pipe"]
    process = subprocess.Popen(
        ["/bin/bash", "-c", shell, *command],
        pass_fds=(to_browser, from_browser),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    try:
        tab = Browser(send_to, read_from)
        target = tab.ask("Target.createTarget", url="about:blank")["targetId"]
        tab.session = tab.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            tab.ask(f"{domain}.enable")
        yield tab
    finally:
        process.kill()
        process.wait(timeout=10)
        os.close(send_to)
        os.close(read_from)
