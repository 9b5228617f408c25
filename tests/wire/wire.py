# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""mitmproxy as a program, and waits through it."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from ansible_collections.cutover.drs.plugins.module_utils._wait.loop import run
from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS
from ansible_collections.cutover.drs.tests.unit.service.support import BY_TOKEN, DEFAULTS, end
from drs_simulator import Simulator

ADDON = Path(__file__).resolve().parent / "addon.py"
JOB = "9a470239-2308-4bb5-a6bc-1040402fjb21"
LOGIN = "somebody:proxy-password"
# The requests of an operation, by path.
OPERATIONS = {
    "batch-progress": "/jobs/batch-progress ",
    "list-v3": "/v3/[^/]+/jobs ",
    "list-v5": "/v5/[^/]+/jobs[? ]",
    "batch-jobs": "/jobs/batch-jobs ",
    "tokens": "/v3/auth/tokens",
}
# Three samples open the gate: in the third poll, where nothing comes in between.
OPTIONS: dict[str, Any] = {
    **DEFAULTS,
    **{option: spec.get("default") for option, spec in WAIT_OPTIONS.items()},
    **BY_TOKEN,
    "jobs": [JOB],
    "stable_samples": 3,
    "stable_for": 0.05,
    # Three of it are the gap that a streak outlives, on a busy machine too.
    "interval": 0.15,
    "near_interval": 0.15,
    "timeout": 60,
    "request_timeout": 20,
    # Two requests a poll, so that a fault hits a certain one; those of the lists have it on.
    "check_subtasks": False,
    "request_retries": 0,
}


@dataclass(frozen=True)
class Waited:
    """A wait that ended: its result and its lines."""

    result: dict[str, Any]
    lines: list[str]

    @property
    def breaks(self) -> list[str]:
        """The lines about a failed poll, or a streak that went back, without what every line begins with."""
        lines = [line.split(" ", 3)[3] for line in self.lines]
        return [line for line in lines if line.startswith(("RESET ", "ERROR "))]

    def broke_once(self, number: int, why: str) -> bool:
        """Return whether the poll of this number was the one that failed, and took the streak with it."""
        begins = f"RESET streak {number - 1}->0 {why}" if number > 1 else f"ERROR {why}"
        return len(self.breaks) == 1 and self.breaks[0].startswith(begins)


def waited(**options: Any) -> Waited:
    """Return a wait in real time."""
    lines: list[str] = []
    return Waited(run({**OPTIONS, **options}, {}, one_sample=False, say=lines.append), lines)


class Proxy:
    """mitmdump with one listener for each mode, on free ports."""

    def __init__(self, program: Path, folder: Path, modes: tuple[str, ...], *options: str) -> None:
        with ExitStack() as stack:
            free = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _mode in modes]
            self.ports = [listener.getsockname()[1] for listener in free]
        listen = [f"--mode={mode}@127.0.0.1:{port}" for mode, port in zip(modes, self.ports, strict=True)]
        quiet = ["--set", "termlog_verbosity=warn", "--set", "flow_detail=0", "--set", f"confdir={folder}"]
        self._command = [str(program), *listen, *quiet, *options]
        self._folder = folder
        self.ca_path = str(folder / "mitmproxy-ca-cert.pem")

    def __enter__(self) -> Proxy:
        self._log = (self._folder / "said").open("w")
        self._process = subprocess.Popen(
            self._command,
            env={**os.environ, "WIRE_FOLDER": str(self._folder)},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        patience = time.monotonic() + 60
        for port in self.ports:
            while True:
                with suppress(OSError):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                assert self._process.poll() is None, self.said()
                assert time.monotonic() < patience, self.said()
                time.sleep(0.1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end(self._process)
        self._log.close()

    def said(self) -> str:
        """Return what the program printed so far."""
        return (self._folder / "said").read_text()


class Wire(Proxy):
    """One mitmproxy in front of both simulators, which reads HTTP or passes bytes on, and is a proxy too."""

    def __init__(self, program: Path, folder: Path, plain: Simulator, tls: Simulator) -> None:
        modes = (
            f"reverse:{plain.endpoint}",
            f"reverse:{plain.endpoint.replace('http:', 'tcp:')}",
            "regular",
        )
        options = ("--set", "ssl_insecure=true", "--set", "connection_strategy=lazy", "-s", str(ADDON))
        super().__init__(program, folder, modes, *options)
        self._simulators = (plain, tls)
        self._faults = 0
        self.reset()
        http, tcp, proxy = self.ports
        self.http = f"http://127.0.0.1:{http}"
        self.https = f"https://127.0.0.1:{http}"
        self.tcp = f"http://127.0.0.1:{tcp}"
        self.proxy = f"http://127.0.0.1:{proxy}"
        self.plain, self.secure = plain, tls

    def reset(self, **scenario: Any) -> None:
        """No fault from now on, and empty logs."""
        self.strike("none")
        for simulator in self._simulators:
            simulator.load({"jobs": [{"id": JOB, "status": "INCRE_TRANSFER_STARTED"}], **scenario})

    def strike(self, kind: str, *on: int, operation: str = "batch-progress", answer: bytes = b"") -> None:
        """Meet the requests of an operation, or handshakes, of these numbers from now on with a fault.

        ``answer`` is what a ``tcp-answer`` puts in the place of the service's.
        """
        self._faults += 1
        fresh = self._folder / "fresh.json"
        fresh.write_text(
            json.dumps(
                {
                    "id": str(self._faults),
                    "kind": kind,
                    "requests": OPERATIONS[operation],
                    "on": on,
                    "answer": base64.b64encode(answer).decode(),
                }
            )
        )
        fresh.replace(self._folder / "fault.json")

    def seen(self) -> list[str]:
        """Return what the requests of the operation since the last change of the fault met, `-` for nothing."""
        log = self._folder / "log"
        entries = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return [met for fault, counted, met in entries if fault == str(self._faults) and counted != "tls"]
