# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test on a copy of the checkout, and make sure that it tested something.

usage: python ansible_test.py sanity|units|integration [--coverage] [TARGET...]

The ansible-core in the environment of the running Python is the one that tests, on that same Python.
"""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from checkout import CHECKOUT, copied, core_version, program, variables
from cores import CORES

BOOTSTRAP = """\
# Put here by the tests of cutover.drs: pip out of its wheel, in place of get-pip.py.
import os, runpy, sys
wheel = {wheel!r}
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
sys.argv, sys.path[:0] = ["pip", "install", *options], [wheel]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def put_what_all_share(core: str) -> None:
    """What several runs of ansible-test, started at once on a new machine, would each make and trip over.

    pip is put where ansible-test looks before it downloads get-pip.py; the wheel comes from the registry pip uses.
    """
    home = Path.home() / ".ansible" / "test"
    cache = home / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    version, key = CORES[core].pip, home / "id_rsa"
    wheel, script = cache / f"pip-{version}-py3-none-any.whl", cache / f"get_pip_{version.replace('.', '_')}.py"
    with (cache / "cutover-drs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wheel.exists():
            download = ["-qq", "download", "--no-deps", "--dest", str(cache), f"pip=={version}"]
            subprocess.run([sys.executable, "-m", "pip", *download], check=True)
        script.write_text(BOOTSTRAP.format(wheel=str(wheel)), encoding="utf-8")
        if not key.exists():
            subprocess.run(["ssh-keygen", "-m", "PEM", "-q", "-t", "rsa", "-N", "", "-f", str(key)], check=True)


def integration_targets() -> list[str]:
    """Return all that are tests, by name; the others only serve them."""
    folders = sorted((CHECKOUT / "tests" / "integration" / "targets").iterdir())
    return [folder.name for folder in folders if not folder.name.startswith(("setup_", "prepare_"))]


def untested(output: Path, kind: str, printed: str, targets: list[str]) -> str | None:
    """Return what a run that succeeded left out, which ansible-test only warns of."""
    if kind == "integration":
        results = [json.loads(path.read_text(encoding="utf-8")) for path in output.glob("data/integration-*.json")]
        left_out = set(targets).difference(*(result["targets"] for result in results))
        return ", ".join(sorted(left_out)) or None
    if kind == "sanity":
        ran = len(set(re.findall(r'^Running sanity test "([^"]+)"', printed, re.MULTILINE)))
    else:
        reports = [path.read_text(encoding="utf-8") for path in output.glob("junit/*units*.xml")]
        ran = sum(report.count("<testcase ") - report.count("<skipped ") for report in reports)
    return None if ran and "All targets skipped" not in printed else "everything"


def main() -> int:
    kind, *targets = sys.argv[1:]
    options = [word for word in targets if word.startswith("--")]
    targets = [word for word in targets if word not in options]
    if kind == "integration" and not targets:
        targets = integration_targets()
    core, python = core_version(), f"{sys.version_info.major}.{sys.version_info.minor}"
    put_what_all_share(core)
    command = [*program("ansible-test"), kind, "--venv", "--python", python, "--color", "no", *options, *targets]
    with copied(core) as copy:
        output = copy / "tests" / "output"
        for stale in ("junit", "data", *(["coverage"] if kind != "sanity" else [])):
            shutil.rmtree(output / stale, ignore_errors=True)
        printed = []
        settings = variables(PIP_QUIET="2")
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        with subprocess.Popen(command, cwd=copy, env=settings, text=True, **pipes) as process:  # type: ignore[call-overload]
            for line in process.stdout:
                print(line, end="", flush=True)
                printed.append(line)
        left_out = untested(output, kind, "".join(printed), targets)
    if process.returncode == 0 and left_out:
        print(f"ansible-test {kind} did not test {left_out}, and that is a failure", file=sys.stderr)
        return 1
    return int(process.returncode)


if __name__ == "__main__":
    sys.exit(main())
