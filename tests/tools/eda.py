# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run tests/eda in an environment of its own, with ansible-rulebook, ansible-builder and a Java of at least 17.

usage: python eda.py [TEST OR --OPTION=OF-PYTEST...]
       python eda.py schema [--check]

With ``schema`` it writes the JSON schema of the event source's arguments from its documentation, or with ``--check``
only tells whether anything would change.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import role_options
import setup_venv
from checkout import CACHE, CHECKOUT, variables

VENV = CACHE / "eda"
REQUIREMENTS = CHECKOUT / "tests" / "requirements" / "eda.txt"
# The rule engine of ansible-rulebook runs in it.
JAVA = 17
PACKAGE = f"openjdk-{JAVA}-jre-headless"
SOURCE = CHECKOUT / "extensions" / "eda" / "plugins" / "event_source" / "drs_jobs.py"
SCHEMA = SOURCE.parent / "schemas" / "drs_jobs.json"
TYPES = {"bool": "boolean", "float": "number", "int": "integer", "list": "array", "path": "string", "str": "string"}


def java_home() -> Path | None:
    """Where a Java is that is new enough."""
    on_path = shutil.which("java")
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    homes += [Path(on_path).resolve().parents[1]] if on_path else []
    homes += sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)
    for home in homes:
        program = home / "bin" / "java"
        if not program.exists():
            continue
        said = subprocess.run([str(program), "-version"], capture_output=True, text=True, check=False).stderr
        version = re.search(r'version "(\d+)', said)
        if version and int(version[1]) >= JAVA:
            return home
    return None


def install_java() -> None:
    """From Debian, where this may be done; it takes half a minute."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return
    print(f"no Java {JAVA} or later: apt-get installs {PACKAGE}", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", PACKAGE]):
        subprocess.run(["apt-get", "--quiet", "--quiet", *command], env=quiet, check=False)


def plain(text: str) -> str:
    """Return a sentence of the documentation without Ansible's markup."""
    return re.sub(r"\b[CEMOV]\(([^)]*)\)", r"\1", text)


def schema() -> str:
    """Return the JSON schema of the arguments, as the collection ansible.eda has one for each of its sources."""
    source = role_options.documentation(SOURCE)
    fragment = role_options.documentation(CHECKOUT / "plugins" / "doc_fragments" / "connection.py")
    properties: dict[str, Any] = {}
    for name, option in {**source["options"], **fragment["options"]}.items():
        described = option["description"]
        entry: dict[str, Any] = {
            "description": plain(described if isinstance(described, str) else " ".join(described)),
            "type": TYPES[option["type"]],
        }
        if "elements" in option:
            entry["items"] = {"type": TYPES[option["elements"]]}
        if "choices" in option:
            entry["enum"] = option["choices"]
        if "default" in option:
            entry["default"] = option["default"]
        for alias in (name, *option.get("aliases", ())):
            properties[alias] = entry
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/cutover-drs/cutover.drs/extensions/eda/plugins/event_source/schemas/drs_jobs.json",
        "title": "cutover.drs.drs_jobs",
        "description": plain(source["short_description"]),
        "type": "object",
        "properties": properties,
        # By its own name or the other one, and not by both.
        "oneOf": [{"required": [alias]} for alias in ("jobs", *source["options"]["jobs"]["aliases"])],
        "additionalProperties": False,
    }
    return json.dumps(document, indent=2) + "\n"


def write_schema(check: bool) -> int:
    text = schema()
    if SCHEMA.exists() and SCHEMA.read_text(encoding="utf-8") == text:
        return 0
    if check:
        print(f"{SCHEMA.relative_to(CHECKOUT)} is out of date: python tests/tools/eda.py schema", file=sys.stderr)
        return 1
    SCHEMA.parent.mkdir(exist_ok=True)
    SCHEMA.write_text(text, encoding="utf-8")
    return 0


def main() -> int:
    if sys.argv[1:2] == ["schema"]:
        return write_schema("--check" in sys.argv)
    if java_home() is None:
        install_java()
    home = java_home()
    if home is None:
        print(f"ansible-rulebook needs Java {JAVA} or later; on Debian: apt-get install {PACKAGE}", file=sys.stderr)
        return 1
    setup_venv.ensure(VENV, [str(REQUIREMENTS)])
    settings = variables(
        PATH=f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}", VIRTUAL_ENV=str(VENV), JAVA_HOME=str(home)
    )
    arguments = sys.argv[1:]
    tests = [] if any(not argument.startswith("-") for argument in arguments) else ["tests/eda"]
    pytest = [str(VENV / "bin" / "python"), "-m", "pytest", *tests, *arguments]
    return subprocess.run(pytest, cwd=CHECKOUT, env=settings, stdin=subprocess.DEVNULL, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(f"the environment of the tests could not be made: {error}", file=sys.stderr)
        sys.exit(1)
