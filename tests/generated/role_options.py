# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of drs_job_wait for the roles, from its documentation: the one home of an option."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml

from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS

ROOT = Path(__file__).resolve().parents[2]
MARK = "# What follows is made from the documentation of drs_job_wait by: nox -s generate\n"
# Sentences of the module that are wrong of a cutover, with what to say there instead, if anything.
OF_A_CUTOVER = {
    "jobs": {"With O(replay) neither is needed, and both pick some of the jobs that were recorded.": ""},
    "job_names": {
        "The first poll looks them up in the list of jobs, which": "They are looked up when the cutover begins, which",
        "ends the wait with V(error).": "is refused before anything runs.",
    },
    "interval": {"while the goal is far,": "of the approach gate while the goal is far,"},
    "near_interval": {"when all jobs are near their goal,": "of the approach gate when all jobs are near their goal,"},
    "stable_samples": {
        "more than three times O(near_interval)": "more than three times O(near_interval), or at the final gate "
        "O(drs_cutover_final_interval),"
    },
    "check_subtasks": {"In a replay, what a list said counts until the next one that was recorded.": ""},
    "require_quiet": {"In the role drs_cutover it counts": "It counts"},
}
# Options that the final gate does not use.
OF_THE_APPROACH = ("interval", "near_interval")
# How the roles hand options on; of no use to who calls them.
NOT_OF_A_ROLE = frozenset({"role_prefixes", "series"})
# A cutover has these for each of its gates, and is never a replay.
TYPES = {
    "int": "A whole number.",
    "float": "A number.",
    "bool": "True or false.",
    "list": "A list, or a text with commas.",
}
NOT_OF_A_CUTOVER = frozenset({"max_delay", "timeout", "replay"})


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, as yamllint asks for."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)


@cache
def documentation(path: Path) -> dict[str, Any]:
    """Return the options and what else the YAML in a plugin's DOCUMENTATION holds, with that of its fragments."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "DOCUMENTATION":
            found = dict(yaml.safe_load(ast.literal_eval(node.value)))
            # Its own options first, those of the connection last; it may describe one of a fragment in its own words.
            parts = [
                found.get("options", {}),
                *map(_of_fragment, reversed(found.get("extends_documentation_fragment", ()))),
            ]
            merged: dict[str, Any] = {}
            for part in parts:
                merged.update({name: option for name, option in part.items() if name not in merged})
            return {**found, "options": merged}
    raise SystemExit(f"{path} has no DOCUMENTATION")


def _of_fragment(name: str) -> dict[str, Any]:
    options: dict[str, Any] = documentation(ROOT / f"plugins/doc_fragments/{name.rpartition('.')[2]}.py")["options"]
    return options


def options() -> dict[str, dict[str, Any]]:
    """Return the options of drs_job_wait, those of its decisions first."""
    found: dict[str, dict[str, Any]] = documentation(ROOT / "plugins/modules/drs_job_wait.py")["options"]
    return found


def argument_specs(role: str, left_out: frozenset[str]) -> str:
    """Return the role's argument spec with its own part kept and the derived part made anew."""
    path = ROOT / f"roles/{role}/meta/argument_specs.yml"
    own = path.read_text(encoding="utf-8").partition(MARK)[0]
    derived: dict[str, Any] = {}
    for name, option in options().items():
        if name in left_out:
            continue
        spec = {
            key: value for key, value in option.items() if key not in ("aliases", "required", "choices", "elements")
        }
        described = spec["description"]
        lines = [described] if isinstance(described, str) else described
        if role == "drs_cutover":
            lines = _of_a_cutover(name, lines)
        lines = [_of_role(line, role, own) for line in lines]
        if "choices" in option:
            lines.append(f"One of {', '.join(f'V({choice})' for choice in option['choices'])}.")
        if option.get("type", "str") in TYPES:
            lines.append(TYPES[option["type"]])
            # Read and checked by the action: up to ansible-core 2.18 Ansible's own check refuses default(omit), and
            # what it says of a wrong value is longer than a screen.
            spec["type"] = "raw"
        spec["description"] = lines
        if CONNECTION_OPTIONS.get(name, {}).get("no_log"):
            spec["no_log"] = True
        derived[f"{role}_{name}"] = spec
    style: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 132, "default_flow_style": False}
    return f"{own}{MARK}{indent(yaml.dump(derived, Dumper=_Dumper, **style), ' ' * 6)}"


def _of_a_cutover(name: str, lines: list[str]) -> list[str]:
    """Return what the module says of an option as it is true of a cutover."""
    for sentence, instead in OF_A_CUTOVER.get(name, {}).items():
        if not any(sentence in line for line in lines):
            raise SystemExit(f"{name} does not say any more: {sentence}")
        lines = [line.replace(sentence, instead).strip() for line in lines]
    if name in OF_THE_APPROACH:
        lines = [*lines, "The pause of the final gate is O(drs_cutover_final_interval)."]
    return [line for line in lines if line]


def _of_role(text: str, role: str, own: str) -> str:
    """Return the sentence with the names of options as the role has them; what it lacks is the module's."""
    for name in sorted(options(), key=len, reverse=True):
        lacks = role == "drs_cutover" and name in NOT_OF_A_CUTOVER and f"{role}_{name}:" not in own
        there = f"cutover.drs.drs_job_wait#module:{name}" if lacks else f"{role}_{name}"
        text = text.replace(f"O({name})", f"O({there})").replace(f"O({name}=", f"O({there}=")
    # A role has no return values to refer to.
    return text.replace("RV(", "C(")


def files() -> dict[Path, str]:
    """Return every derived file with the content it should have."""
    return {
        ROOT / f"roles/{role}/meta/argument_specs.yml": argument_specs(role, NOT_OF_A_ROLE | left_out)
        for role, left_out in (("drs_wait", frozenset[str]()), ("drs_cutover", NOT_OF_A_CUTOVER))
    }
