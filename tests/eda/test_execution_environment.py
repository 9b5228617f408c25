# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-builder finds what an execution environment with this collection needs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

CHECKOUT = Path(__file__).parents[2]
BUILDER = Path(sys.executable).with_name("ansible-builder")

pytestmark = pytest.mark.skipif(not shutil.which("ansible-builder"), reason="needs ansible-builder: nox -s eda")


def builder(*arguments: str, cwd: Path) -> str:
    """Run ansible-builder; what it says."""
    command = [sys.executable, str(BUILDER), *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_requirements_are_those_of_the_collection(installed: Path) -> None:
    said = yaml.safe_load(builder("introspect", str(installed), cwd=installed))
    packages = [Requirement(line.partition("# from")[0]) for line in said["python"]]
    names = ["requests", "keystoneauth1", "openstacksdk", "sqlalchemy", "psycopg", "pymysql"]
    assert [package.name for package in packages] == names
    # Each with the version from which on it is known to work, and none shut out.
    assert [[spec.operator for spec in package.specifier] for package in packages] == [[">="]] * len(names)


def test_what_the_plugins_import_is_in_the_requirements() -> None:
    imported = {"requests": "requests", "keystoneauth1": "keystoneauth1", "openstack": "openstacksdk"}
    imported["sqlalchemy"] = "sqlalchemy"
    source = "".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "plugins").rglob("*.py"))
    needed = {
        package for module, package in imported.items() if f"import {module}\n" in source or f"from {module}" in source
    }
    # SQLAlchemy imports these itself, as the URL of a journal asks.
    needed |= {driver for dialect, driver in (("+psycopg", "psycopg"), ("+pymysql", "pymysql")) if dialect in source}
    lines = (CHECKOUT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {Requirement(line).name for line in lines if line and not line.startswith("#")} == needed


def test_a_build_context_is_made(installed: Path, tmp_path: Path) -> None:
    (archive,) = installed.glob("*.tar.gz")
    shutil.copy(archive, tmp_path / "cutover-drs.tar.gz")
    definition = {
        "version": 3,
        "images": {"base_image": {"name": "registry.example.com/python:3.11"}},
        "dependencies": {
            "ansible_core": {"package_pip": "ansible-core>=2.16"},
            "ansible_runner": {"package_pip": "ansible-runner"},
            "galaxy": {"collections": [{"name": "cutover-drs.tar.gz", "type": "file"}]},
        },
        "additional_build_files": [{"src": "cutover-drs.tar.gz", "dest": "."}],
    }
    (tmp_path / "execution-environment.yml").write_text(yaml.safe_dump(definition), encoding="utf-8")
    builder("create", "--context", "context", "--output-filename", "Containerfile", cwd=tmp_path)
    containerfile = (tmp_path / "context" / "Containerfile").read_text(encoding="utf-8")
    assert "ansible-galaxy collection install" in containerfile
    assert "introspect" in containerfile
    assert (tmp_path / "context" / "_build" / "cutover-drs.tar.gz").exists()
