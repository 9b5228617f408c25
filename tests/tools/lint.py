# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run every linter over a copy of the checkout, two at a time, and show what the failing ones said.

usage: python lint.py [NAME...]

A linter whose files are not there fails: a check of nothing must not look like a check that passed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from checkout import copied, environment, files, variables


@dataclass(frozen=True)
class Linter:
    """A command, where it starts (in the copy, or above it), and the files without which it checks nothing."""

    command: tuple[str, ...]
    needs: tuple[str, ...]
    above: bool = False


COLLECTION = "ansible_collections.cutover.drs"
# The slowest first, so that two lanes end at about the same time.
LINTERS = {
    "ansible-lint": Linter(
        ("ansible-lint", "--profile", "production", "--offline", "--strict"), ("roles/*/tasks/*.yml", "playbooks/*.yml")
    ),
    "antsibull-docs": Linter(
        (
            "antsibull-docs",
            "lint-collection-docs",
            "--plugin-docs",
            "--skip-rstcheck",
            "--validate-collection-refs=self",
            ".",
        ),
        ("plugins/modules/*.py",),
    ),
    "mypy": Linter(
        ("mypy", "-p", f"{COLLECTION}.plugins", "-p", f"{COLLECTION}.extensions"),
        ("plugins/module_utils/*.py",),
        above=True,
    ),
    "reuse": Linter(("reuse", "lint", "--lines"), ("LICENSES/*",)),
    "yamllint": Linter(("yamllint", "--strict", "."), ("*.yml",)),
    "antsibull-changelog": Linter(("antsibull-changelog", "lint"), ("changelogs/config.yaml",)),
    "shellcheck": Linter(("shellcheck", ".ci/run"), (".ci/run",)),
    "words": Linter(("python", "-B", "tests/tools/words.py"), ("tests/tools/words.yml",)),
    "ruff-format": Linter(("ruff", "format", "--check", "."), ("plugins/*.py", "tests/*.py")),
    "ruff-check": Linter(("ruff", "check", "."), ("plugins/*.py", "tests/*.py")),
}


def check(name: str, copy: Path) -> bool:
    linter = LINTERS[name]
    began = time.monotonic()
    missing = [pattern for pattern in linter.needs if not files(pattern)]
    if missing:
        print(f"   {name}: FAILED, nothing to check: no file matches {', '.join(missing)}", flush=True)
        return False
    # The folder above ansible_collections, from where Python and Ansible find the collection by its name.
    root = copy.parents[2]
    cache = root / "caches"
    settings = variables(
        ANSIBLE_COLLECTIONS_PATH=str(root),
        MYPYPATH=str(root),
        MYPY_CACHE_DIR=str(cache / "mypy"),
        RUFF_CACHE_DIR=str(cache / "ruff"),
        NO_COLOR="1",
    )
    command = list(linter.command)
    if linter.above:
        command[1:1] = ["--config-file", str(copy / "pyproject.toml")]
    # By their interpreter: a script's first line cannot name a path with a space.
    program = environment() / "bin" / command[0]
    with program.open("rb") as start:
        python = [str(environment() / "bin" / "python")] if start.read(2) == b"#!" else []
    done = subprocess.run(
        [*python, str(program), *command[1:]],
        cwd=root if linter.above else copy,
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    verdict = "ok" if done.returncode == 0 else f"FAILED, exit code {done.returncode}"
    said = f"{done.stdout.rstrip()}\n" if done.returncode else ""
    sys.stdout.write(f"{said}   {name}: {verdict}, {time.monotonic() - began:.1f} s\n")
    sys.stdout.flush()
    return done.returncode == 0


def main() -> int:
    names = sys.argv[1:] or list(LINTERS)
    unknown = [name for name in names if name not in LINTERS]
    if unknown:
        print(f"no such linter: {', '.join(unknown)}; there are {', '.join(LINTERS)}", file=sys.stderr)
        return 2
    with copied("lint") as copy, ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as lanes:
        results = list(lanes.map(lambda name: check(name, copy), names))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
