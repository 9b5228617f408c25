# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A headless Chromium that is talked to by its DevTools protocol: what a page says, asks for, and measures."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

COMMAND = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# What shows that a page is whole and can be read, asked of the page itself.
_MEASURE = """JSON.stringify({
  needed: document.documentElement.scrollWidth, room: document.documentElement.clientWidth,
  scripts: document.scripts.length, title: document.title, heading: document.querySelector('h1').innerText,
  elements: [...new Set([...document.body.querySelectorAll('*')].map(e => e.localName))],
  attributes: [...new Set([...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()))],
  pictures: [...document.querySelectorAll('svg')].map(e => [e.getAttribute('role'),
    e.getAttribute('aria-labelledby').split(' ').map(id => (document.getElementById(id) || {}).textContent || '')]),
  headings: [...document.querySelectorAll('h1,h2,h3')].map(e => +e.localName[1]),
  ids: [...document.querySelectorAll('[id]')].map(e => e.id),
  contrast: [...document.querySelectorAll('h1 span,.says,dt,dd,.quiet,.ready,.error,.chip,.holds li,.rules b,.y span')]
    .map(e => [e.className || e.localName, getComputedStyle(e).color, (() => {
      for (let a = e; a; a = a.parentElement) {
        const c = getComputedStyle(a).backgroundColor; if (c !== 'rgba(0, 0, 0, 0)') return c; }
      return 'rgb(255, 255, 255)'; })()])
})"""


@dataclass
class Seen:
    """What a page did while it was loaded."""

    page: dict[str, Any] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


@contextmanager
def browser() -> Iterator[str]:
    """Start it, and give the address of its page."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
        )
        port = ("--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank")
        command = [str(COMMAND), *options, *port]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                yield _address(Path(profile))
            finally:
                process.terminate()
                process.wait(timeout=20)


def look(address: str, path: Path, width: int, scheme: str) -> Seen:
    """Load the file at a width (pixels), ``light`` or ``dark``."""
    return asyncio.run(_look(address, path, width, scheme))


def _address(profile: Path) -> str:
    told = profile / "DevToolsActivePort"
    until = time.monotonic() + 60
    while not (told.exists() and len(told.read_text().split()) == 2):
        assert time.monotonic() < until, "Chromium did not start within 60 s."
        time.sleep(0.05)
    with urllib.request.urlopen(f"http://127.0.0.1:{told.read_text().split()[0]}/json", timeout=10) as answer:
        return str(next(page for page in json.load(answer) if page["type"] == "page")["webSocketDebuggerUrl"])


async def _look(address: str, path: Path, width: int, scheme: str) -> Seen:
    seen = Seen()
    async with aiohttp.ClientSession() as session, session.ws_connect(address, max_msg_size=0) as socket:
        sent = 0

        async def call(method: str, until: str = "", **params: Any) -> dict[str, Any]:
            nonlocal sent
            sent += 1
            await socket.send_json({"id": sent, "method": method, "params": params})
            answer: dict[str, Any] | None = None
            reached = not until
            while answer is None or not reached:
                message = await socket.receive_json(timeout=60)
                reached = reached or message.get("method") == until
                if message.get("id") == sent:
                    answer = message
                _note(message, seen)
            return dict(answer.get("result", answer))

        for domain in ("Page", "Network", "Log", "Runtime", "Security"):
            await call(f"{domain}.enable")
        await call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        await call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        await call("Page.navigate", until="Page.loadEventFired", url=path.as_uri())
        # Two frames, so that what the layout would ask for has been asked for.
        frames = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        await call("Runtime.evaluate", expression=frames, awaitPromise=True)
        measured = await call("Runtime.evaluate", expression=_MEASURE, returnByValue=True)
        seen.page = json.loads(measured["result"]["value"])
    return seen


def _note(message: dict[str, Any], seen: Seen) -> None:
    params = message.get("params", {})
    if message.get("method") == "Network.requestWillBeSent":
        seen.requests.append(params["request"]["url"])
    elif message.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
        seen.said.append(json.dumps(params)[:500])
    elif message.get("method") == "Page.javascriptDialogOpening":
        seen.said.append("a dialog")


def ratio(one: str, other: str) -> float:
    """Return the contrast of two colours as the browser computes them (WCAG 2)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [float(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
