# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a project's own cutover against the simulator, in one of four situations, and say what ran when.

``python rehearse.py prepare SETTINGS`` reads the project and writes the scenario of the simulator; ``python rehearse.py
SITUATION SETTINGS`` rehearses one of :data:`SITUATIONS`. SETTINGS is a JSON file that the playbook cutover.drs.rehearse
writes. Both print one JSON object; what is wrong with the project is a sentence on standard error, with exit code 2.

The real service is never asked: every option of a login that the role knows is replaced, and so is the environment.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
COLLECTION = HERE.parents[1]
STAGES = ("freeze", "verify", "switch", "unfreeze")
# How each must end: the outcome, and the stage that failed.
SITUATIONS: dict[str, tuple[str, str, str | None]] = {
    "well": ("All goes well", "done", None),
    "differs": ("The tasks to verify fail", "unfrozen", "verify"),
    "shut": ("The final gate never opens", "unfrozen", "final"),
    "killed": ("The run is killed (SIGKILL) in the final gate", "unfrozen", "final"),
}
# What a role may be told about the service, with which words the environment begins, and what the simulator knows.
_LOGIN = (
    *("endpoint", "region", "project_id", "project_name", "auth_token", "auth_url", "username", "password"),
    *("user_domain_name", "access_key", "secret_key", "security_token", "cloud", "validate_certs", "ca_path", "proxy"),
)
_LOGINS_OF_THE_ENVIRONMENT = ("OS_", "HW_", "HUAWEICLOUD_")
# What of a project's variables is of the cutover.
_SETTINGS = ("drs_cutover_", "drs_jobs", "drs_job_names", "drs_databases")
_SIMULATED = {"auth_token": "simulated-token", "project_id": "054ba152d480d55b2f5dc0069e7ddef0"}
# Seconds. The gates of a real night wait for minutes.
_SHORT = {
    "interval": 1,
    "near_interval": 1,
    "stable_for": 3,
    "quiet_for": 2,
    "stable_samples": 3,
    "final_interval": 1,
    "approach_timeout": 120,
    "final_timeout": 120,
}
_SHUT_FOR = 10
_LAGS = 2
_LONGEST = 1800.0
_LONGEST_UNFREEZE = 120.0
_COMPARISONS = {"objects": "object_comparison", "rows": "lines", "values": "contents"}


class ProjectError(Exception):
    """What is wrong with the project, in a sentence."""


@dataclass(frozen=True)
class Project:
    """A project as its files say it: the playbook, the user's task files by stage, the jobs, and the role's options."""

    folder: Path
    playbook: Path
    files: Mapping[str, Path]
    jobs: Sequence[Mapping[str, Any]]
    options: Mapping[str, Any]


def read_project(folder: Path, playbook: str, given: Mapping[str, Any]) -> Project:
    """Read a project; what ``given`` holds counts instead of what its files say. Raises :class:`ProjectError`."""
    path = folder / playbook
    if not path.is_file():
        raise ProjectError(f"There is no playbook {path}. Set drs_project to the folder of your project.")
    found: dict[str, Any] = {}
    for file in (path, *_variable_files(folder)):
        content = _loaded(file)
        if file == path and "cutover.drs." in json.dumps(list(_named(("module_defaults",), content)), default=str):
            raise ProjectError(
                f"{path} sets a login in module_defaults, which would reach the real service. Take the login from the "
                "environment, so that a rehearsal can replace it."
            )
        for name, value in _named(_SETTINGS, content):
            found.setdefault(name, value)
    found.update({name: value for name, value in given.items() if value not in (None, "", [])})
    places = {"playbook_dir": str(path.parent), "inventory_dir": str(folder)}
    files = {}
    for stage in STAGES:
        option = f"drs_cutover_{stage}_tasks"
        if not found.get(option):
            if stage == "verify":
                continue
            raise ProjectError(f"{path} and its variables do not set {option}, which a rehearsal needs.")
        file = path.parent / Path(_filled_in(option, str(found[option]), places)).expanduser()
        if not file.is_file():
            raise ProjectError(f"{option}: there is no file {file}.")
        files[stage] = file
    options = {
        name.removeprefix("drs_cutover_"): value for name, value in found.items() if name.startswith("drs_cutover_")
    }
    return Project(folder, path, files, _jobs(found, path), options)


def _variable_files(folder: Path) -> list[Path]:
    """Return the files in which a project keeps variables of the host localhost, the most specific first."""
    names = (
        "host_vars/localhost*",
        "host_vars/localhost/*",
        "group_vars/all*",
        "group_vars/all/*",
        "inventory*",
        "jobs*",
        "vars*",
    )
    files = [file for name in names for file in sorted(folder.glob(name)) if file.is_file()]
    return [file for file in files if file.suffix in (".yml", ".yaml")]


def _loaded(file: Path) -> Any:
    class Loader(yaml.SafeLoader):
        """Reads tags such as !vault as nothing."""

    Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if text.startswith("$ANSIBLE_VAULT"):
        return None
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ProjectError(f"{file} cannot be read: {' '.join(str(error).split())}") from None


def _named(beginnings: tuple[str, ...], content: Any) -> Iterable[tuple[str, Any]]:
    """Yield whatever has a name that begins so, wherever it is in a file."""
    if isinstance(content, dict):
        for name, value in content.items():
            if isinstance(name, str) and name.startswith(beginnings):
                yield name, value
            else:
                yield from _named(beginnings, value)
    elif isinstance(content, list):
        for entry in content:
            yield from _named(beginnings, entry)


def _filled_in(option: str, value: str, places: Mapping[str, str]) -> str:
    for name, place in places.items():
        value = re.sub(r"\{\{\s*" + name + r"\s*\}\}", lambda _found, place=place: place, value)
    if "{{" in value:
        raise ProjectError(
            f"{option} is {value!r}, which a rehearsal cannot evaluate. Give it: -e {option}=tasks/FILE.yml"
        )
    return value


def _jobs(found: Mapping[str, Any], path: Path) -> list[dict[str, Any]]:
    """Return the jobs as the simulator wants them, by their ids or names, with what ``cutover.drs.new`` noted of them."""
    known = {
        str(database.get(key)): database
        for database in found.get("drs_databases") or ()
        if isinstance(database, dict)
        for key in ("job", "name")
    }
    for option in ("drs_cutover_jobs", "drs_cutover_job_names", "drs_jobs", "drs_job_names"):
        value = found.get(option)
        if isinstance(value, str) and "{{" not in value:
            value = [entry.strip() for entry in value.split(",") if entry.strip()]
        if isinstance(value, list) and value and all(isinstance(entry, str) and "{{" not in entry for entry in value):
            by_name = option.endswith("names")
            return [_job(entry, by_name, known.get(entry, {}), number) for number, entry in enumerate(value)]
    raise ProjectError(
        f"{path} and its variables name no jobs. Give them: -e drs_jobs=ID,ID or -e drs_job_names=NAME,NAME"
    )


def _job(entry: str, by_name: bool, database: Mapping[str, Any], number: int) -> dict[str, Any]:
    job_id = str(database.get("job") or (f"rehearsed-job-{number + 1}" if by_name else entry))
    engine = str(database.get("engine") or "mysql")
    mode = database.get("task_mode") if database.get("task_mode") in ("FULL_TRANS", "INCR_TRANS") else "FULL_INCR_TRANS"
    full = mode == "FULL_TRANS"
    job = {
        "id": job_id,
        "name": str(database.get("name") or entry),
        "mode": mode,
        "status": "FULL_TRANSFER_COMPLETE" if full else "INCRE_TRANSFER_STARTED",
        "engine": engine,
        "source_engine": engine,
        "target_engine": engine,
        "target_readonly": database.get("target_readonly"),
        "stop_seconds": 2,
    }
    if database.get("type") in ("migration", "sync", "cloudDataGuard"):
        job["type"] = database["type"]
    if not full:
        job["delay"] = _LAGS
        job["position"] = "mysql-bin.000012:500"
    return job


def scenario(project: Project) -> dict[str, Any]:
    """Return what the simulator plays: the jobs of the project, which have nearly caught up."""
    allowed = project.options.get("approach_max_delay", 5)
    lag = min(_LAGS, allowed) if isinstance(allowed, int) else 0
    return {
        "name": "rehearsal",
        "jobs": [{**job, **({"delay": lag} if "delay" in job else {})} for job in project.jobs],
    }


def variables(project: Project, situation: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the extra variables of a rehearsal, which win over everything that the project says."""
    out = Path(settings["out"])
    values: dict[str, Any] = {f"drs_{role}_{name}": None for role in ("wait", "cutover") for name in _LOGIN}
    own: dict[str, Any] = {
        **_SIMULATED,
        "endpoint": settings["endpoint"],
        "journal": str(out / f"{situation}.journal.json"),
        "reports": [str(out / f"{situation}.{suffix}") for suffix in ("json", "html")],
        "title": f"REHEARSAL: {SITUATIONS[situation][0]}",
        "confirm": "never",
        "unwatched": True,
        # A file that shuts the gates of the night, or that the night records into.
        "hold_file": None,
        "record": None,
        # Of the reports of the night, which are elsewhere.
        "index": None,
    }
    if settings["times"] == "short":
        own.update(_SHORT)
        if situation == "shut":
            own["final_timeout"] = _SHUT_FOR
    for stage, file in _files(project, situation, settings).items():
        own[f"{stage}_tasks"] = str(file)
    values.update({f"drs_cutover_{name}": value for name, value in own.items()})
    values.update({name: value for name, value in settings["given"].items() if value})
    return values


def _files(project: Project, situation: str, settings: Mapping[str, Any]) -> dict[str, Path]:
    """Write task files around those of the project where that is needed, and return the files by stage."""
    files = {}
    for stage in STAGES:
        file = project.files.get(stage)
        tasks: list[dict[str, Any]] = []
        if file and settings["tasks"] == "shown":
            tasks.append({"name": "Your tasks, shown", "ansible.builtin.import_tasks": str(file), "when": False})
        elif file:
            tasks.append({"name": "Your tasks", "ansible.builtin.import_tasks": str(file)})
        if stage == "verify" and situation == "differs":
            tasks.append(
                {
                    "name": "Fail, as this rehearsal wants it",
                    "ansible.builtin.fail": {"msg": "This rehearsal wants it."},
                }
            )
        if tasks:
            files[stage] = Path(settings["out"]) / f"{situation}.{stage}.yml"
            files[stage].write_text(yaml.safe_dump(tasks, sort_keys=False), encoding="utf-8")
    return files


def rehearse(project: Project, situation: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Run the cutover once and return ``title as_expected lines``."""
    out = Path(settings["out"])
    files = {name: out / f"{situation}.{name}" for name in ("journal.json", "json", "tasks.jsonl", "log", "vars.json")}
    _ask(settings, "scenario", scenario(project), "PUT")
    files["vars.json"].write_text(json.dumps(variables(project, situation, settings)), encoding="utf-8")
    command = [sys.executable, "-m", "ansible", "playbook", *settings["arguments"], "-e", f"@{files['vars.json']}"]
    with files["log"].open("w", encoding="utf-8") as log:
        run = subprocess.Popen(
            [*command, str(project.playbook)],
            cwd=project.folder,
            env=environment(os.environ, files["tasks.jsonl"]),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        _follow(run, project, situation, settings, files["journal.json"])
    _wait_for(files["json"], _LONGEST_UNFREEZE if situation == "killed" else 0)
    if not files["json"].exists():
        said = [
            line for line in files["log"].read_text(encoding="utf-8").splitlines() if "msg" in line or "ERROR" in line
        ]
        why = said[-1].strip() if said else "It wrote no report."
        lines = [f"The cutover did not get as far as its report. {why} See {files['log']}."]
        return {"title": SITUATIONS[situation][0], "as_expected": False, "lines": lines}
    report = json.loads(files["json"].read_text(encoding="utf-8"))
    recorded = files["tasks.jsonl"].read_text(encoding="utf-8") if files["tasks.jsonl"].exists() else ""
    tasks = own_tasks(map(json.loads, recorded.splitlines()), project, out)
    _title, outcome, failed = SITUATIONS[situation]
    as_expected = report["outcome"] == outcome and (failed is None or report.get("failed_stage") == failed)
    return {"title": SITUATIONS[situation][0], "as_expected": as_expected, "lines": table(report, tasks)}


def environment(given: Mapping[str, str], record: Path) -> dict[str, str]:
    """Return the environment of the run: without a login, and with the callback that records the tasks."""
    kept = {name: value for name, value in given.items() if not name.startswith(_LOGINS_OF_THE_ENVIRONMENT)}
    here = "127.0.0.1,localhost"
    for name in ("NO_PROXY", "no_proxy"):
        kept[name] = f"{kept[name]},{here}" if kept.get(name) else here
    return {
        **kept,
        "ANSIBLE_CALLBACKS_ENABLED": "drs_rehearsal",
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callbacks"),
        "ANSIBLE_NOCOLOR": "true",
        "DRS_REHEARSAL_RECORD": str(record),
    }


def _follow(
    run: subprocess.Popen[bytes], project: Project, situation: str, settings: Mapping[str, Any], journal: Path
) -> None:
    """Wait for the end of the run; when the final gate begins, let the delay fall, or not, or kill the run."""
    ends = time.monotonic() + _LONGEST
    in_final = False
    while run.poll() is None:
        if time.monotonic() > ends:
            os.killpg(run.pid, signal.SIGKILL)
        if not in_final and "final" in _stages(journal):
            in_final = True
            for job in project.jobs:
                _ask(settings, f"jobs/{job['id']}", at_the_final_gate(job, situation, project.options), "PATCH")
            if situation == "killed":
                time.sleep(2)
                os.killpg(run.pid, signal.SIGKILL)
        time.sleep(0.1)


def at_the_final_gate(job: Mapping[str, Any], situation: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what happens to a job when the final gate begins: it catches up, or it falls behind."""
    if situation in ("shut", "killed"):
        if "delay" not in job:
            return {"status": "FULL_TRANSFER_STARTED"}
        allowed = options.get("max_delay", 0)
        return {"delay": (allowed if isinstance(allowed, int) else 0) + 60}
    kinds = options.get("compare") or []
    kinds = kinds.split(",") if isinstance(kinds, str) else kinds
    found = [{"id": f"rehearsed-{kind}", "type": _COMPARISONS[kind]} for kind in kinds if kind in _COMPARISONS]
    return {**({"delay": 0} if "delay" in job else {}), **({"comparisons": found} if found else {})}


def _stages(journal: Path) -> list[str]:
    try:
        return [stage["name"] for stage in json.loads(journal.read_text(encoding="utf-8"))["stages"]]
    except (OSError, ValueError, KeyError):
        return []


def _wait_for(path: Path, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < ends:
        time.sleep(0.2)


def _ask(settings: Mapping[str, Any], path: str, body: Any, method: str) -> None:
    request = urllib.request.Request(
        f"{settings['control']}/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    # To this machine, whatever proxy the environment names.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30):
        pass


@dataclass(frozen=True)
class Task:
    """One of the user's tasks: when it began (epoch seconds), how long it took (seconds, None if it never ended), and how."""

    name: str
    began: float
    took: float | None
    ended: str


def own_tasks(recorded: Iterable[Mapping[str, Any]], project: Project, out: Path) -> list[Task]:
    """Return the user's tasks in their order: what is not of the collection, of the playbook, or of the rehearsal."""
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for line in recorded:
        # The collection may be reached by a link.
        path = Path(line["path"]).resolve()
        of_others = (
            path == project.playbook.resolve() or COLLECTION in path.parents or "drs_cutover_unfreeze" in path.name
        )
        # Of the tasks around the user's own only the failure that a rehearsal wants.
        around = out.resolve() in path.parents and not line["name"].startswith("Fail,")
        if not of_others and not around:
            lines.setdefault(line["task"], []).append(line)
    tasks = []
    for first, *rest in lines.values():
        last = rest[-1] if rest else None
        took = None if last is None else last["at"] - first["at"]
        tasks.append(Task(first["name"], first["at"], took, "did not end" if last is None else last["what"]))
    return sorted(tasks, key=lambda task: task.began)


def table(report: Mapping[str, Any], tasks: Sequence[Task]) -> list[str]:
    """Return the outcome in a line, and what ran when: each stage, with the user's tasks below it."""
    outage = report.get("outage_seconds")
    frozen = _epoch(report.get("frozen_since"))
    lines = [
        f"Outcome: {report['outcome']}, outage {'none' if outage is None else f'{outage:.1f} s'}. {report['reason']}"
    ]
    rows: list[tuple[float, int, str, float | None]] = []
    for stage in report.get("stages") or ():
        began = _epoch(stage.get("started_at"))
        if began is not None:
            by = f" by the {stage['by']}" if stage.get("by") not in (None, "run") else ""
            rows.append((began, 0, f"{stage['name']}: {stage['state']}{by}", stage.get("seconds")))
    ended = {"ok": "", "skipped": " (not run)"}
    rows += [(task.began, 1, f"  {task.name}{ended.get(task.ended, f' ({task.ended})')}", task.took) for task in tasks]
    lines.append(f"{'time (UTC)':<10} {'from freeze':>11} {'took':>8}  what")
    for began, _level, what, took in sorted(rows):
        clock = datetime.fromtimestamp(began, timezone.utc).strftime("%H:%M:%S")
        since = "" if frozen is None else f"{began - frozen:+.1f} s"
        lines.append(f"{clock:<10} {since:>11} {'' if took is None else f'{took:.1f} s':>8}  {what}")
    return lines


def _epoch(text: Any) -> float | None:
    if not isinstance(text, str):
        return None
    pattern = "%Y-%m-%dT%H:%M:%S.%f%z" if "." in text else "%Y-%m-%dT%H:%M:%S%z"
    return datetime.strptime(text.replace("Z", "+0000"), pattern).timestamp()


def main() -> int:
    """Run one command."""
    command, settings = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    try:
        project = read_project(Path(settings["folder"]), settings["playbook"], settings["given"])
    except ProjectError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if command == "prepare":
        result: dict[str, Any] = {"scenario": scenario(project), "jobs": [str(job["name"]) for job in project.jobs]}
    else:
        result = rehearse(project, command, settings)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
