# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which fault meets which request. How a fault is played on the wire is in `delivery.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from drs_simulator import checks

OPERATIONS = (
    *("batch-status", "batch-progress", "batch-detail", "batch-jobs", "batch-stop", "query-compare-result"),
    *("list-v3", "list-v5", "tokens", "projects", "any"),
)
KINDS = (
    "throttled",
    "too_frequent",
    "unauthorized",
    "status",
    "reset",
    "hang",
    "slow",
    "trickle",
    "cut_short",
    "wrong_json",
    "html",
    "empty",
    "not_object",
    "redirect",
    "too_large",
    "echo",
    # Of lists alone.
    "first_page",
    "wrong_total",
    "listed_twice",
)
# With these the service, or what is before it, says that it did nothing. Others lose the answer to what was done.
_REFUSALS = frozenset({"throttled", "too_frequent", "unauthorized", "status", "redirect", "echo"})
_BODIES = Path(__file__).resolve().parent.parent / "bodies"


@dataclass(frozen=True)
class Fault:
    """One rule. It counts the requests of its operation from the moment it is put in, beginning with 1."""

    operation: str
    kind: str
    on: tuple[int, ...] = ()
    first: int | None = None
    last: int | None = None
    every: int | None = None
    times: int | None = None
    with_job: str | None = None
    http_status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    retry_after: str | None = None
    location: str = "/elsewhere"
    seconds: float | None = None
    megabytes: float = 16
    undone: bool = False
    total: int | None = None

    def concerns(self, operation: str, job_ids: frozenset[str]) -> bool:
        if self.operation not in ("any", operation):
            return False
        return self.with_job is None or self.with_job in job_ids

    @property
    def prevents(self) -> bool:
        """Whether a stop that meets it is not carried out: it was refused, or was lost on its way there."""
        return self.undone or self.kind in _REFUSALS

    def strikes(self, number: int) -> bool:
        """Whether the request with this NUMBER is met; without any of the four keys, all are."""
        if self.on:
            return number in self.on
        if self.every is not None:
            return number % self.every == 0
        return (self.first or 1) <= number <= (self.last if self.last is not None else number)


class Schedule:
    """The faults in force, with their counts."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._counted: list[tuple[Fault, dict[str, int]]] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        self._counted.append((fault, {"seen": 0, "struck": 0}))

    def next(self, operation: str, job_ids: frozenset[str]) -> Fault | None:
        """Count this request in every rule; the first rule that strikes wins."""
        struck: Fault | None = None
        for fault, count in self._counted:
            if not fault.concerns(operation, job_ids):
                continue
            count["seen"] += 1
            spent = fault.times is not None and count["struck"] >= fault.times
            if struck is None and not spent and fault.strikes(count["seen"]):
                count["struck"] += 1
                struck = fault
        return struck


_KEYS = ({f.name for f in fields(Fault)} - {"first", "last"}) | {"from", "to", "documented"}


def parse_fault(value: Any, where: str) -> Fault:
    """Read one fault of a scenario; ScenarioError names WHERE."""
    given = checks.mapping(where, value, _KEYS)
    given["operation"] = checks.choice(f"{where}.operation", given.get("operation", "any"), OPERATIONS)
    given["kind"] = checks.choice(f"{where}.kind", given.get("kind"), KINDS)
    _count_keys(given, where)
    for key in ("seconds", "megabytes"):
        if key in given:
            checks.number(f"{where}.{key}", given[key])
    if "total" in given:
        checks.whole(f"{where}.total", given["total"])
    checks.flag(f"{where}.undone", given.get("undone", False))
    if "retry_after" in given:
        given["retry_after"] = str(given["retry_after"])
    if "documented" in given:
        given.update(documented_body(checks.whole(f"{where}.documented", given.pop("documented")), where))
    if given["kind"] == "status":
        checks.whole(f"{where}.http_status", given.get("http_status"), 200)
    headers = given.get("headers", {})
    checks.mapping(f"{where}.headers", headers, headers if isinstance(headers, dict) else ())
    given["headers"] = {str(name): str(content) for name, content in headers.items()}
    return Fault(**given)


def _count_keys(given: dict[str, Any], where: str) -> None:
    for name, key in (("from", "first"), ("to", "last")):
        if name in given:
            given[key] = given.pop(name)
    for key in ("first", "last", "every", "times"):
        if key in given:
            checks.whole(f"{where}.{key}", given[key], 1)
    if "on" in given:
        numbers = given["on"] if isinstance(given["on"], list) else [given["on"]]
        given["on"] = tuple(checks.whole(f"{where}.on", number, 1) for number in numbers)
    if sum(1 for way in ("on", "every") if way in given) + ("first" in given or "last" in given) > 1:
        raise checks.ScenarioError(f"{where} must count in one way only: on, every, or from and to.")


def documented_body(number: int, where: str = "documented") -> dict[str, Any]:
    """Status and body number NUMBER (from 0) of bodies/errors-documented.json."""
    bodies = json.loads((_BODIES / "errors-documented.json").read_text(encoding="utf-8"))["bodies"]
    if number >= len(bodies):
        raise checks.ScenarioError(f"{where}.documented must be below {len(bodies)}, not {number}.")
    return {"http_status": bodies[number]["http_status"], "body": bodies[number]["body"]}
