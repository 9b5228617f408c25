# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a step of a run and its guard say to each other: reading this file is understanding the protocol.

The first step starts the guard and gives it a :class:`Start` on its standard input; the guard answers one :class:`Answer`
on its standard output. Every later step sends one request to the guard's socket and gets one :class:`Answer`, whose ``next``
says what to do. Both are one line of JSON. A request is not obeyed after its ``until``, when its sender has given up.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias, get_args

from ...module_utils._cutover.journal import Next

LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True)
class Handover:
    """What an ``ansible-playbook`` of its own needs to run the unfreeze tasks as this run would.

    ``folder`` is that of the user's playbook, ``config`` the path of ansible.cfg. ``variables`` has YAML texts, which may be
    secret: they are in memory only. ``play`` and ``block`` are keywords; ``role`` is the caller's, if the tasks belong to one.
    ``temporary`` are files and folders of these that may be removed when the run ends.
    """

    options: list[str]
    folder: str
    config: str
    play: dict[str, Any]
    block: dict[str, Any]
    variables: dict[str, str]
    role: str = ""
    temporary: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Start:
    """What starts a guard. ``role`` is run, watch or recover; ``plan`` is that of a run, as JSON values."""

    role: str
    journal: str
    jobs: list[str]
    host: str
    user: str
    machine: str
    pid: int
    terminal: str | None
    log: str
    handover: dict[str, Any]
    unfreeze_tasks: str = ""
    unfreeze_timeout: float = 600.0
    unfreeze_for: float = 3600.0
    rehearses: bool = True
    check_mode: bool = False
    # Of a run: whether its host is this machine, so that nothing of its tasks acts elsewhere.
    local: bool = True
    plan: dict[str, Any] | None = None
    keep: dict[str, Any] = field(default_factory=dict)
    # Of a run: whether only a watch elsewhere would survive it.
    needs_watch: bool = False
    # Of a run whose guard is lost: its cutover, whose freeze tasks may have acted after another guard unfroze the source.
    acted_in: str = ""
    # Of watch and recover: how long to wait (seconds).
    wait: float = 0.0
    reports: list[str] = field(default_factory=list)
    index: str = ""
    title: str = ""
    plan_lines: list[str] = field(default_factory=list)
    logins: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EnterStage:
    """A stage is about to begin. What the unfreeze needs comes with it when it may have changed.

    ``engines`` is what the databases of a job are, by its id; ``facts`` is what the user's tasks said of theirs so far.
    """

    stage: str
    handover: dict[str, Any] | None = None
    keep: dict[str, Any] | None = None
    plan_lines: list[str] | None = None
    warnings: list[str] | None = None
    engines: dict[str, str] | None = None
    facts: dict[str, Any] | None = None


@dataclass(frozen=True)
class Judged:
    """A gate gave its verdict, which can be trusted for ``valid_for`` seconds more."""

    gate: str
    ready: bool
    reason: str
    valid_for: float
    result: dict[str, Any]


@dataclass(frozen=True)
class JobsStopped:
    """These jobs cannot be resumed; ``reason`` says why not all of them ended."""

    jobs: list[str]
    reason: str


@dataclass(frozen=True)
class StepFailed:
    """A task, a gate or the role's own bookkeeping failed; ``facts`` as in :class:`EnterStage`."""

    reason: str
    facts: dict[str, Any] | None = None


@dataclass(frozen=True)
class SwitchCompleted:
    """All stages ran to their end; ``facts`` as in :class:`EnterStage`."""

    facts: dict[str, Any] | None = None


@dataclass(frozen=True)
class LeftBehind:
    """The run goes on without this guard's host, which was unreachable: a step of another host says so."""


@dataclass(frozen=True)
class KeepLogins:
    """The logins of this step, for the next one: secret, and in memory only."""

    logins: dict[str, str]


@dataclass(frozen=True)
class Look:
    """How is it? Changes nothing. Of a watch: the lines from this number on."""

    line: int = 0


@dataclass(frozen=True)
class Finish:
    """The run has no more to say: end, once everything is done."""


Request: TypeAlias = (
    EnterStage | Judged | JobsStopped | StepFailed | SwitchCompleted | LeftBehind | KeepLogins | Look | Finish
)
_REQUESTS: dict[str, type] = {kind.__name__: kind for kind in get_args(Request)}


@dataclass(frozen=True)
class Answer:
    """What a step does next, why, and how the cutover stands. ``journal`` is in JSON values, None if there is none.

    ``outage_left`` is for how long the outage may still last (seconds), by the guard's clock, which goes on when that of
    the machine is set; None if it has no limit. ``lost`` is whether another owner has taken the journal. ``lines`` are
    what a watch says; ``log`` has what the unfreeze tasks print; ``logins`` are those of :class:`KeepLogins`.
    """

    next: Next
    message: str = ""
    journal: dict[str, Any] | None = None
    socket: str = ""
    log: str = ""
    gates: dict[str, Any] = field(default_factory=dict)
    plan: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    engines: dict[str, str] = field(default_factory=dict)
    outage_left: float | None = None
    lost: bool = False
    lines: list[str] = field(default_factory=list)
    logins: dict[str, str] = field(default_factory=dict)


def received(connection: socket.socket) -> bytes:
    """Return the line that somebody sends. Raises ValueError if it is not whole, and OSError."""
    with connection.makefile("rb") as file:
        line = file.readline(LARGEST)
    if not line.endswith(b"\n"):
        raise ValueError("a message that is not whole")
    return line


def encode(message: Request | Answer | Start, *, until: float = 0.0) -> bytes:
    """Return one line; ``until`` is when its sender gives up, on this machine's clock since boot (seconds)."""
    values = {entry.name: getattr(message, entry.name) for entry in fields(message)}
    return json.dumps({"kind": type(message).__name__, "until": until, **values}, default=str).encode() + b"\n"


def decode_request(line: bytes) -> tuple[Request, float]:
    """Return a request and its ``until``. Raises ValueError for anything else."""
    value = _object(line)
    kind = _REQUESTS.get(str(value.get("kind")))
    if kind is None:
        raise ValueError(f"a request {value.get('kind')!r} that is not known")
    request: Request = _made(kind, value)
    return request, float(value.get("until") or 0.0)


def decode_answer(line: bytes) -> Answer:
    """Return an answer. Raises ValueError for anything else."""
    value = _object(line)
    return _made(Answer, {**value, "next": Next(value.get("next"))})  # type: ignore[no-any-return]


def decode_start(line: bytes) -> Start:
    """Return what starts a guard. Raises ValueError for anything else."""
    return _made(Start, _object(line))  # type: ignore[no-any-return]


def _object(line: bytes) -> dict[str, Any]:
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError("a message that is not an object")
    return value


def _made(kind: type, value: Mapping[str, Any]) -> Any:
    known = {entry.name: value[entry.name] for entry in fields(kind) if entry.name in value}
    try:
        return kind(**known)
    except TypeError as error:
        raise ValueError(str(error)) from None
