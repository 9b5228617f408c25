# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A whole cutover of an example project, with an application that writes through it, judged by the ledger."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ansible_collections.cutover.drs.tests.databases.engines import Pair
from ansible_collections.cutover.drs.tests.databases.replicating import Replicating
from ansible_collections.cutover.drs.tests.servers import below
from drs_simulator import Simulator

CHECKOUT = Path(__file__).resolve().parents[2]
APPLICATION = Path(__file__).resolve().parent / "application.py"
PROJECT = "054ba152d480d55b2f5dc0069e7ddef0"
# No machine is so slow.
LONGEST = 300.0
# Seconds for which an owner counts as alive: as short as starting Ansible on a busy machine allows.
LEASE = 10.0
# What is as short as it can be, so that a night takes seconds; the task files stay as they are.
HURRY = {
    "drs_cutover_unfreeze_for": 60,
    "drs_cutover_interval": 0.3,
    "drs_cutover_near_interval": 0.3,
    "drs_cutover_final_interval": 0.3,
    "drs_cutover_stable_samples": 3,
    "drs_cutover_stable_for": 1,
    "drs_cutover_quiet_for": 1,
    "drs_cutover_approach_timeout": 90,
    "drs_cutover_final_timeout": 20,
    "drs_cutover_stop_timeout": 60,
    "drs_cutover_max_outage": 150,
    "drs_cutover_lease": LEASE,
    "quiet_seconds": 1,
}
_HANDED_ON = ("PATH", "LANG", "HOME", "PYTHONPATH")


@dataclass(frozen=True)
class Written:
    """One write of the ledger; an error means that nothing was acknowledged."""

    at: float
    token: str
    port: int
    error: str | None


class Night:
    """One cutover: a project's folder, a job, an application, and what happened."""

    def __init__(self, pair: Pair, folder: Path, **variables: Any) -> None:
        self.pair, self.folder = pair, folder / "project"
        self.job = f"job-{uuid.uuid4().hex[:12]}"
        shutil.copytree(CHECKOUT / "docs" / "examples" / f"cutover-{pair.engine}", self.folder)
        self.config, self.ledger = folder / "database.env", folder / "ledger"
        self._pids = folder / "application.pid"
        self._told = folder / "told"
        self._told.mkdir()
        self._variables = {
            "drs_jobs": [self.job],
            # All hosts of the inventory are this one.
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "application_config": str(self.config),
            "application_reload": ["sh", "-c", f"kill -HUP $(cat '{self._pids}')"],
            **pair.reader(self.folder),
            **HURRY,
            **variables,
        }
        self._stack = ExitStack()

    def __enter__(self) -> Night:
        try:
            self.pair.reset()
            self.simulator = self._stack.enter_context(Simulator({}, stop_after=3600))
            self.service = self._stack.enter_context(Replicating(self.simulator, self.job, self.pair))
            login = {"endpoint": self.simulator.endpoint, "auth_token": "simulated-token", "project_id": PROJECT}
            self._variables |= {f"drs_cutover_{name}": value for name, value in login.items()}
            (self.folder / "reader.json").write_text(json.dumps(self._variables), encoding="utf-8")
            port = self.pair.source.port
            for config in (self.config, self.forgotten):
                text = f"DATABASE_HOST=127.0.0.1\nDATABASE_PORT={port}\nDATABASE_POOL=open\n"
                config.write_text(text, encoding="utf-8")
            application = self.write("app", "shop", self.config)
            self._pids.write_text(str(application.pid), encoding="utf-8")
            self.until(lambda: len(self.acknowledged()) > 10, "the application does not write")
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    @property
    def forgotten(self) -> Path:
        """The configuration that nobody thought of: it names the source for ever."""
        return self.folder.parent / "forgotten.env"

    @property
    def journal(self) -> dict[str, Any]:
        """What the journal says; nothing if there is none yet, or none any more."""
        return read(self.folder / "evidence" / "shop.json")

    @property
    def outcome(self) -> str:
        """How the cutover ended, or nothing yet. The journal of one that did not begin is removed at its end."""
        report = self.folder / "evidence" / "cutover.json"
        return str(self.journal.get("outcome") or read(report).get("outcome") or "")

    @property
    def in_use(self) -> int:
        """The port of the database that the application's configuration names."""
        lines = dict(line.split("=", 1) for line in self.config.read_text(encoding="utf-8").splitlines())
        return int(lines["DATABASE_PORT"])

    def write(self, name: str, user: str, config: Path) -> subprocess.Popen[bytes]:
        """Start a process that writes until the night is over."""
        command = [sys.executable, str(APPLICATION), self.pair.engine, str(config), str(self.ledger), name, user]
        return self._started(command, name, {**os.environ})

    def play(self, playbook: str, *options: str) -> subprocess.Popen[bytes]:
        """Start ansible-playbook in the project's folder; a terminal of its own is not needed."""
        command = [sys.executable, "-m", "ansible", "playbook", "-e", "@reader.json", *options, playbook]
        return self._started(command, playbook.removesuffix(".yml"), environment())

    def _started(self, command: list[str], name: str, variables: dict[str, str]) -> subprocess.Popen[bytes]:
        number = len([*self._told.iterdir()])
        with (self._told / f"{number}-{name}").open("wb") as told:
            started = subprocess.Popen(
                command,
                cwd=self.folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._stack.callback(end, started)
        return started

    def told(self) -> str:
        """Return what all of them wrote, for a person who reads a failure."""
        files = [
            *sorted(self._told.iterdir()),
            *self.folder.glob("evidence/*.log"),
            *self.folder.glob("evidence/.*.log"),
        ]
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-6000:]}" for path in files)

    def until(self, there: Callable[[], Any], complaint: str, within: float = LONGEST, pace: float = 0.25) -> None:
        """Wait until it is so, looking once in ``pace`` seconds."""
        deadline = time.monotonic() + within
        while not there():
            assert time.monotonic() < deadline, f"{complaint}\n{self.told()}"
            time.sleep(pace)

    def ended(self) -> str:
        """Wait until it is known how the cutover ended, and nothing acts any more; the outcome."""
        self.until(lambda: self.outcome or self.left_in_switch, "the cutover does not end")
        self.until(lambda: not guards(self.folder), "the guard does not end")
        return "switch_failed" if self.left_in_switch else self.outcome

    @property
    def left_in_switch(self) -> bool:
        """Whether run and guard were lost in the switch: nobody acts on that journal any more, a watch included."""
        return self.journal.get("stage") == "switch" and not self.journal.get("outcome") and not guards(self.folder)

    def writes(self) -> list[Written]:
        """Return the ledger."""
        if not self.ledger.exists():
            return []
        lines = self.ledger.read_text(encoding="utf-8").split("\n")[:-1]
        return [Written(**json.loads(line)) for line in lines]

    def acknowledged(self) -> list[Written]:
        """Return the writes that the database acknowledged."""
        return [each for each in self.writes() if each.error is None]

    def accepted(self, port: int) -> None:
        """Wait until the application writes to this database."""
        since = time.time()
        self.until(
            lambda: any(each.at > since and each.port == port for each in self.acknowledged()[-20:]),
            f"nothing is written to port {port}: {self.writes()[-1:]}",
            within=60,
        )


def judge(night: Night, outcome: str) -> dict[str, Any]:
    """Judge a cutover by the ledger; the figures. Raises AssertionError with what is wrong."""
    side = {"done": night.pair.target, "unfrozen": night.pair.source, "not_begun": night.pair.source}[outcome]
    assert night.in_use == side.port, f"{outcome}, and the application uses port {night.in_use}\n{night.told()}"
    night.accepted(side.port)
    # What is under way now is acknowledged or not; the ledger is read before the database, so nothing is missed.
    acknowledged = Counter(each.token for each in night.acknowledged())
    orders = night.pair.orders(side.port)
    lost = [token for token in acknowledged if not orders[token]]
    doubled = [token for token, times in orders.items() if times > 1]
    assert not lost, f"{len(lost)} acknowledged writes are lost, such as {lost[:3]}\n{night.told()}"
    assert not doubled, f"{len(doubled)} writes are there twice, such as {doubled[:3]}\n{night.told()}"
    wrong = night.pair.wrong(side.port)
    assert wrong is None, wrong
    duplicates = [each for each in night.writes() if each.error and "duplicate" in each.error.lower()]
    assert not duplicates, f"a duplicate key: {duplicates[0]}"
    began, ended = outage(night)
    figures = {"acknowledged": len(acknowledged), "lost": len(lost), "doubled": len(doubled)}
    return {**figures, "outage": ended - began, "outage_ended": ended}


def outage(night: Night) -> tuple[float, float]:
    """Return from when to when no write of the application was acknowledged, for the longest time."""
    times = sorted(each.at for each in night.acknowledged() if each.token.startswith("app"))
    return max(pairwise(times), key=lambda gap: gap[1] - gap[0])


def read(path: Path) -> dict[str, Any]:
    """Return a JSON document, or nothing if there is none."""
    with suppress(FileNotFoundError, json.JSONDecodeError):
        return dict(json.loads(path.read_text(encoding="utf-8")))
    return {}


def environment() -> dict[str, str]:
    """Return the variables of a reader who has the collections that the projects name, and no settings."""
    collections = [os.environ["ANSIBLE_COLLECTIONS_PATH"]]
    collections += map(str, Path(os.environ["DRS_PEER"]).parent.glob("lib/python*/site-packages"))
    return {
        **{name: os.environ[name] for name in _HANDED_ON if name in os.environ},
        "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(collections),
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_NOCOLOR": "true",
        "PYTHONUNBUFFERED": "1",
        # These machines are containers, which end with the tests.
        "DRS_CUTOVER_UNWATCHED": "true",
    }


def guards(folder: Path) -> list[int]:
    """Return the guards whose journal is in this folder, those of a watch too."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if b"cutover.drs guard" in command and str(folder).encode() in command:
                found.append(int(entry.name))
    return found


def kill(*pids: int) -> None:
    """Kill processes and all below them, stopped first so that they start no other."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            for each in [pid, *below(pid)]:
                with suppress(ProcessLookupError):
                    os.kill(each, number)


def end(process: subprocess.Popen[bytes]) -> None:
    """End what a night leaves behind."""
    if process.poll() is None:
        kill(process.pid)
    process.wait()


@contextmanager
def night(pair: Pair, folder: Path, **variables: Any) -> Iterator[Night]:
    """Begin a night; at its end nothing of it is left."""
    begun = Night(pair, folder, **variables)
    with begun:
        try:
            yield begun
        finally:
            kill(*guards(begun.folder))
