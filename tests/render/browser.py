"""A real browser without a window, driven over a pipe by Chromium's own protocol, and so by nothing else.

ICAFORM_BROWSER names it where it is not on the PATH. Where there is none, tests that need it are skipped,
unless ICAFORM_REQUIRE_BROWSER=1 says that there must be one.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 120.0
"""Seconds without any answer after which a browser is taken to be dead."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# Chromium reads commands from descriptor 3 and answers on 4, whatever these are in our own process.
_LAUNCHER = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def program() -> str:
    """The browser's program; skips the test, or fails it, where there is none."""
    named = os.environ.get("ICAFORM_BROWSER")
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    why = f"there is no browser: {named or ', '.join(NAMES)}; name one in ICAFORM_BROWSER"
    if named or os.environ.get("ICAFORM_REQUIRE_BROWSER") == "1":
        pytest.fail(why)
    pytest.skip(why)


@dataclass
class Browser:
    """A running browser and what it said that nobody has asked for yet."""

    commands: int
    answers: int
    heard: list[dict[str, Any]] = field(default_factory=list)
    _rest: bytes = b""
    _last: int = 0
    _target: str = ""

    def ask(self, method: str, session: str = "", **given: Any) -> Any:
        """The result of one command; what happens meanwhile is kept in ``heard``."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": given}
        if session:
            message["sessionId"] = session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self._last:
                assert "error" not in said, (method, said["error"])
                return said["result"]
            self.heard.append(said)

    def wait(self, method: str, session: str) -> dict[str, Any]:
        """The first event of that name in a page, from now or before."""
        while True:
            for place, said in enumerate(self.heard):
                if said.get("method") == method and said.get("sessionId") == session:
                    return self.heard.pop(place)
            self.heard.append(self._next())

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self.answers], [], [], PATIENCE)
            more = os.read(self.answers, 1 << 20) if ready else b""
            assert more, "the browser has stopped answering"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def open(self, file: Path, *, scripts: bool = True) -> Page:
        """A file in a page of its own, once it is loaded; the page before it is closed."""
        if self._target:
            self.ask("Target.closeTarget", targetId=self._target)
            self.heard.clear()
        self._target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.ask(f"{domain}.enable")
        page.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        page.look()
        page.ask("Page.navigate", url=file.as_uri())
        self.wait("Page.loadEventFired", session)
        return page


@dataclass
class Page:
    """One page of a browser."""

    browser: Browser
    session: str

    def ask(self, method: str, **given: Any) -> Any:
        """The result of one command to this page."""
        return self.browser.ask(method, self.session, **given)

    def look(self, *, width: int = 1200, dark: bool = False, media: str = "") -> None:
        """How wide the window is, which colours its person prefers, and whether it is a screen or paper."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def run(self, expression: str) -> Any:
        """The value of an expression in the page."""
        done = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def press(self, key: str, text: str = "") -> None:
        """A key, down and up again."""
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, text=text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    def type(self, text: str) -> None:
        """Text, as from a keyboard, into whatever has the focus."""
        self.ask("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """The middle of the first element that fits."""
        box = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView();"
            " const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] })()"
        )
        for sort in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=sort, x=box[0], y=box[1], button="left", clickCount=1)

    def picture(self) -> bytes:
        """The whole page, as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def problems(self) -> list[str]:
        """All that the browser complained about: errors, messages, what the page's policy forbade."""
        self.run("1")
        found = []
        for said in self._heard():
            match said["method"]:
                case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                    found.append(json.dumps(said["params"]))
                case "Log.entryAdded":
                    found.append(said["params"]["entry"]["text"])
        return found

    def requests(self) -> list[str]:
        """The addresses that it asked for, but for those that are their own content."""
        self.run("1")
        urls = [
            said["params"]["request"]["url"]
            for said in self._heard()
            if said["method"] == "Network.requestWillBeSent"
        ]
        return [each for each in urls if not each.startswith("data:")]

    def _heard(self) -> list[dict[str, Any]]:
        return [each for each in self.browser.heard if each.get("sessionId") == self.session]


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with an empty profile, which ends with the block."""
    their_end, commands = os.pipe()
    answers, our_end = os.pipe()
    with tempfile.TemporaryDirectory(prefix="icaform-browser-", ignore_cleanup_errors=True) as profile:
        line = [sys.executable, "-c", _LAUNCHER, str(their_end), str(our_end), program(), *FLAGS]
        process = subprocess.Popen(
            [*line, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(their_end, our_end),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(their_end)
        os.close(our_end)
        running = Browser(commands, answers)
        try:
            yield running
            running.ask("Browser.close")
        finally:
            os.close(commands)
            os.close(answers)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
