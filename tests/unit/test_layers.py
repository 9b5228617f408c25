# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package of module_utils and plugin_utils may import what. ARCHITECTURE.md draws the same."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
MODULE_UTILS = PLUGINS / "module_utils"
PLUGIN_UTILS = PLUGINS / "plugin_utils"
# For each package those below it.
BELOW = {
    "_job": set(),
    "_gate": {"_job"},
    "_service": {"_job"},
    "_wait": {"_job", "_gate", "_service"},
    "_stop": {"_job", "_gate", "_service", "_wait"},
    "_cutover": {"_job"},
}
# What decides: values in, values out.
_PURE_FILES = ("_job/*.py", "_gate/*.py", "_stop/decide.py", "_cutover/*.py")
PURE = sorted(
    path.relative_to(MODULE_UTILS).as_posix()
    for pattern in _PURE_FILES
    for path in MODULE_UTILS.glob(pattern)
    if path.name != "__init__.py"
)
# Of the standard library, and none of it reads a clock, a file, the network or a process.
WITHOUT_IO = {
    *("__future__", "collections", "dataclasses", "datetime", "enum", "fractions", "functools", "hashlib"),
    *("math", "re", "sys", "types", "typing"),
}


# For each package of plugin_utils those below it.
BELOW_PLUGINS = {"_report": set(), "_guard": {"_report"}, "_cutover": {"_guard", "_report"}}


def imported(path: Path, under: Path = MODULE_UTILS, *, at_once: bool = False) -> Iterator[str]:
    """What a module imports, by its full name within ``under`` or outside of it; ``at_once``: when it is loaded."""
    package = path.relative_to(under).parent.parts
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if at_once else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1]
            yield "." + ".".join([*above, *([node.module] if node.module else [])])


def test_every_package_has_its_place() -> None:
    assert {path.parent.name for path in MODULE_UTILS.glob("*/*.py")} == set(BELOW)
    assert {path.parent.name for path in MODULE_UTILS.glob("_service/*/*.py")} == {"http", "login", "jobs"}
    assert sorted(path.name for path in MODULE_UTILS.glob("*.py")) == ["_arguments.py", "_module.py"]


@pytest.mark.parametrize("package", BELOW)
def test_imports_only_point_down(package: str) -> None:
    allowed = BELOW[package] | {package}
    wrong = [
        f"{path.name}: {name}"
        for path in sorted((MODULE_UTILS / package).glob("**/*.py"))
        for name in imported(path)
        if name.startswith(".") and name.split(".")[1] not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("module", PURE)
def test_what_decides_imports_no_input_no_output_and_no_ansible(module: str) -> None:
    names = list(imported(MODULE_UTILS / module))
    outside = {name.split(".")[0] for name in names if not name.startswith(".")}
    inside = {"/".join(name.split(".")[1:]) + ".py" for name in names if name.startswith(".")}
    assert outside <= WITHOUT_IO, outside - WITHOUT_IO
    assert outside <= set(sys.stdlib_module_names)
    # Of the service only values: what the response to a stop means for each job.
    assert inside <= {*PURE, *(("_service/jobs/stop_request.py",) if module == "_stop/decide.py" else ())}


@pytest.mark.parametrize(
    ("folder", "below"),
    [("http", ()), ("login", ("http",)), ("jobs", ("http", "login"))],
    ids=["http", "login", "jobs"],
)
def test_the_service_logs_in_sends_and_asks_in_this_order(folder: str, below: tuple[str, ...]) -> None:
    known = {folder, *below, "options"}
    names = [name for path in (MODULE_UTILS / "_service" / folder).glob("*.py") for name in imported(path)]
    assert not [name for name in names if name.startswith("._service") and name.split(".")[2] not in known]


@pytest.mark.parametrize("package", sorted(BELOW))
def test_nothing_below_the_plugins_imports_ansible(package: str) -> None:
    names = [name for path in (MODULE_UTILS / package).glob("**/*.py") for name in imported(path)]
    assert not [name for name in names if name.split(".")[0] in ("ansible", "ansible_collections")]


def of_plugins(package: str, *, at_once: bool = False) -> list[tuple[str, str]]:
    """What the modules of a package of plugin_utils import: each as the file and the name."""
    return [
        (path.stem, name)
        for path in sorted((PLUGIN_UTILS / package).glob("**/*.py"))
        for name in imported(path, PLUGINS, at_once=at_once)
    ]


def test_every_package_of_the_plugins_has_its_place() -> None:
    assert {path.parent.name for path in PLUGIN_UTILS.glob("*/*.py")} == set(BELOW_PLUGINS)


@pytest.mark.parametrize("package", BELOW_PLUGINS)
def test_imports_of_the_plugins_only_point_down(package: str) -> None:
    allowed = BELOW_PLUGINS[package] | {package}
    inside = [(file, name.split(".")) for file, name in of_plugins(package) if name.startswith(".plugin_utils.")]
    wrong = [(file, name) for file, name in inside if name[2] in BELOW_PLUGINS and name[2] not in allowed]
    assert not wrong


def test_the_page_of_the_architecture_says_of_each_module_where_to_look_for_it() -> None:
    named = set(re.findall(r"\w+", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")))
    modules = [path.stem for folder in (MODULE_UTILS, PLUGIN_UTILS) for path in folder.glob("**/[!_]*.py")]
    modules += [path.stem for folder in (MODULE_UTILS, PLUGIN_UTILS) for path in folder.glob("_[!_]*.py")]
    assert len(modules) > 90
    assert sorted(set(modules) - named) == []


def test_a_guard_and_a_report_import_no_ansible() -> None:
    """A guard goes on while ansible-core is upgraded, and takes no part of it into its memory."""
    for package in ("_guard", "_report"):
        names = of_plugins(package)
        assert not [each for each in names if each[1].split(".")[0] in ("ansible", "ansible_collections")]
    # What else of plugin_utils a guard imports imports none either.
    files = {name.split(".")[2] for _file, name in of_plugins("_guard") if name.startswith(".plugin_utils._")}
    for name in files - set(BELOW_PLUGINS):
        outside = imported(PLUGIN_UTILS / f"{name}.py", PLUGINS)
        assert not [each for each in outside if each.split(".")[0] in ("ansible", "ansible_collections")]


def test_a_guard_loads_the_reports_only_to_write_them() -> None:
    of_reports = [(file, name) for file, name in of_plugins("_guard") if name.startswith(".plugin_utils._report")]
    assert of_reports == [("process", ".plugin_utils._report.write")]
    assert not [name for _file, name in of_plugins("_guard", at_once=True) if "_report" in name]


def test_the_last_task_of_a_guards_playbook_loads_little() -> None:
    """The guard waits for it, and Ansible compiles anew what a plugin imports."""
    program = "import sys; import ansible.plugins.action; before = set(sys.modules); "
    program += "import ansible_collections.cutover.drs.plugins.action.drs_cutover_unfrozen; "
    program += (
        "print('requests' in sys.modules, len([name for name in set(sys.modules) - before if '.drs.' in name]) < 30)"
    )
    path = os.pathsep.join(folder for folder in sys.path if folder)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "True"]


def test_the_simulator_shares_no_code_with_the_collection() -> None:
    """What both got wrong in one place would be noticed by no test."""
    simulator = ROOT / "simulator"
    names = [name for path in simulator.glob("**/*.py") for name in imported(path, simulator)]
    assert "aiohttp" in names
    assert not [name for name in names if name.split(".")[0] in ("ansible", "ansible_collections")]
