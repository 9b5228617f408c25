# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenarios: what the simulated service knows and how it behaves, read from YAML, JSON or a dict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from drs_simulator import checks
from drs_simulator.faults import OPERATIONS, Fault, parse_fault
from drs_simulator.jobs import ANSWERS, JOB_KEYS, Dialect, Job, parse_job

DEFAULT_PROJECT_ID = "054ba152d480d55b2f5dc0069e7ddef0"
_GENERATE_KEYS = (JOB_KEYS - {"id"}) | {"count", "prefix", "tag", "spread"}


@dataclass(frozen=True)
class Project:
    id: str
    name: str


@dataclass(frozen=True)
class AccessKey:
    """With a security token it is a temporary key, and every request must carry and sign that token."""

    access_key: str
    secret_key: str
    security_token: str | None = None


@dataclass(frozen=True)
class Account:
    """Who may log in, and how. All values are made up."""

    username: str = "demo"
    password: str = "simulated-password"
    domain: str = "simulated-domain"
    projects: tuple[Project, ...] = (Project(DEFAULT_PROJECT_ID, "eu-de"),)
    keys: tuple[AccessKey, ...] = (
        AccessKey("SIMULATEDACCESSKEY", "simulated-secret-key"),
        AccessKey("SIMULATEDTEMPORARY", "simulated-temporary-secret", "simulated-security-token"),
    )
    tokens: tuple[str, ...] = ("simulated-token",)
    token_lifetime: float = 86400.0


@dataclass(frozen=True)
class Scenario:
    name: str = "unnamed"
    prefix: str = ""
    account: Account = field(default_factory=Account)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    time_scale: float = 1.0
    clock_skew: float = 0.0
    latency: float = 0.0
    unknown_jobs: str = "left_out"
    shuffle: bool = False
    max_jobs: int | None = None
    withdrawn: tuple[str, ...] = ()
    ids_filter: bool = True
    status_status: int = 200
    progress_status: int = 202
    dialect: Dialect = field(default_factory=Dialect)


_KEYS = ({f.name for f in fields(Scenario)} - {"dialect"}) | {"generate", "huawei", "progress_map"}


class _Loader(yaml.SafeLoader):
    """YAML in which `on` is a word: faults have a key of that name, which YAML 1.1 reads as true."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


def load_scenario(source: Mapping[str, Any] | Path | str | None) -> Scenario:
    """Read a scenario from a dict, a file, or YAML text (JSON is YAML)."""
    if isinstance(source, Path):
        source = source.read_text(encoding="utf-8")
    if isinstance(source, str):
        try:
            source = _Loader(source).get_single_data()
        except yaml.YAMLError as error:
            raise checks.ScenarioError(f"The scenario is not YAML: {' '.join(str(error).split())}.") from error
    return _parse({} if source is None else source)


def parse_account(value: Any) -> Account:
    given = checks.mapping("account", value, {f.name for f in fields(Account)})
    for key in ("username", "password", "domain"):
        if key in given:
            checks.text(f"account.{key}", given[key])
    if "token_lifetime" in given:
        checks.number("account.token_lifetime", given["token_lifetime"], None)
    if "projects" in given:
        given["projects"] = tuple(_records(Project, "account.projects", given["projects"]))
        if not given["projects"]:
            raise checks.ScenarioError("account.projects must name at least one project.")
    if "keys" in given:
        given["keys"] = tuple(_records(AccessKey, "account.keys", given["keys"]))
    if "tokens" in given:
        tokens = checks.sequence("account.tokens", given["tokens"])
        given["tokens"] = tuple(checks.text("account.tokens[]", token) for token in tokens)
    return Account(**given)


def _records(record: Any, where: str, value: Any) -> Iterator[Any]:
    for number, entry in enumerate(checks.sequence(where, value)):
        place = f"{where}[{number}]"
        given = checks.mapping(place, entry, {f.name for f in fields(record)})
        for key, content in given.items():
            checks.text(f"{place}.{key}", content)
        try:
            yield record(**given)
        except TypeError as error:
            raise checks.ScenarioError(f"{place} lacks a key: {error}.") from error


def _parse(value: Any) -> Scenario:
    given = checks.mapping("The scenario", value, _KEYS)
    huawei = checks.flag("huawei", given.get("huawei", False))
    prefix = given.get("prefix") or ""
    if prefix:
        prefix = "/" + checks.text("prefix", prefix).strip("/")
    max_jobs = given.get("max_jobs")
    return Scenario(
        name=checks.text("name", given.get("name", "unnamed")),
        prefix=prefix,
        account=parse_account(given.get("account", {})),
        jobs=_jobs(given),
        faults=tuple(
            parse_fault(fault, f"faults[{number}]")
            for number, fault in enumerate(checks.sequence("faults", given.get("faults", [])))
        ),
        time_scale=checks.number("time_scale", given.get("time_scale", 1)),
        clock_skew=checks.number("clock_skew", given.get("clock_skew", 0), None),
        latency=checks.number("latency", given.get("latency", 0)) / 1000,
        unknown_jobs=checks.choice("unknown_jobs", given.get("unknown_jobs", "left_out"), ANSWERS[1:]),
        shuffle=checks.flag("shuffle", given.get("shuffle", False)),
        max_jobs=None if max_jobs is None else checks.whole("max_jobs", max_jobs, 1),
        ids_filter=checks.flag("ids_filter", given.get("ids_filter", True)),
        withdrawn=tuple(
            checks.choice("withdrawn[]", name, OPERATIONS)
            for name in checks.sequence("withdrawn", given.get("withdrawn", []))
        ),
        status_status=checks.whole("status_status", given.get("status_status", 200), 200),
        progress_status=checks.whole("progress_status", given.get("progress_status", 200 if huawei else 202), 200),
        dialect=Dialect(
            huawei, checks.choice("progress_map", given.get("progress_map", "object"), ("object", "array"))
        ),
    )


def _jobs(given: Mapping[str, Any]) -> dict[str, Job]:
    jobs: dict[str, Job] = {}
    written = [
        parse_job(entry, f"jobs[{number}]")
        for number, entry in enumerate(checks.sequence("jobs", given.get("jobs", [])))
    ]
    for job in [*written, *_generated(given.get("generate", []))]:
        if job.id in jobs:
            raise checks.ScenarioError(f"The job id {job.id!r} is given twice.")
        jobs[job.id] = job
    return jobs


def _generated(value: Any) -> Iterator[Job]:
    """Many jobs alike. Ids have the service's shape: 8-4-4-4-12, the last group ending in a node tag."""
    for place, entry in enumerate(value if isinstance(value, list) else [value]):
        where = f"generate[{place}]"
        given = checks.mapping(where, entry, _GENERATE_KEYS)
        count = checks.whole(f"{where}.count", given.pop("count", None), 1)
        prefix = checks.text(f"{where}.prefix", given.pop("prefix", "0000"))
        tag = checks.text(f"{where}.tag", given.pop("tag", "jb21"))
        spread = checks.number(f"{where}.spread", given.pop("spread", 0))
        offset = checks.number(f"{where}.offset", given.pop("offset", 0), None)
        if len(prefix) > 8 or len(tag) > 6:
            raise checks.ScenarioError(f"{where}: prefix has at most 8 characters, tag at most 6.")
        for number in range(count):
            first = prefix + f"{number:08x}"[len(prefix) :]
            last = f"{number:0{12 - len(tag)}x}{tag}"
            late = spread * number / count
            yield parse_job({"id": f"{first}-0000-4000-8000-{last}", "offset": offset - late, **given}, where)
