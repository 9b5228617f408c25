# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which package of module_utils may import what. ARCHITECTURE.md draws the same."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE_UTILS = ROOT / "plugins" / "module_utils"
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
_PURE_FILES = (
    *("_job/*.py", "_gate/*.py", "_stop/decide.py"),
    *("_cutover/state.py", "_cutover/decide.py", "_cutover/endings.py", "_cutover/encoding.py", "_cutover/result.py"),
)
PURE = sorted(
    path.relative_to(MODULE_UTILS).as_posix()
    for pattern in _PURE_FILES
    for path in MODULE_UTILS.glob(pattern)
    if path.name != "__init__.py"
)
# Of the standard library, and none of it reads a clock, a file, the network or a process.
WITHOUT_IO = {
    *("__future__", "collections", "dataclasses", "datetime", "enum", "fractions", "functools"),
    *("math", "re", "sys", "types", "typing"),
}


def imported(path: Path) -> Iterator[str]:
    """What a module imports, by its full name within the collection or outside of it."""
    package = path.relative_to(MODULE_UTILS).parent.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1]
            yield "." + ".".join([*above, *([node.module] if node.module else [])])


def test_every_package_has_its_place() -> None:
    assert {path.parent.name for path in MODULE_UTILS.glob("*/*.py")} == set(BELOW)
    assert [path.name for path in MODULE_UTILS.glob("*.py")] == ["_module.py"]


@pytest.mark.parametrize("package", BELOW)
def test_imports_only_point_down(package: str) -> None:
    allowed = BELOW[package] | {package}
    wrong = [
        f"{path.name}: {name}"
        for path in sorted((MODULE_UTILS / package).glob("*.py"))
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
    assert inside <= {*PURE, *(("_service/stop_request.py",) if module == "_stop/decide.py" else ())}


@pytest.mark.parametrize("package", sorted(BELOW))
def test_nothing_below_the_plugins_imports_ansible(package: str) -> None:
    names = [name for path in (MODULE_UTILS / package).glob("*.py") for name in imported(path)]
    assert not [name for name in names if name.split(".")[0] in ("ansible", "ansible_collections")]
