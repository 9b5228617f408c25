# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test on a copy of the checkout, and make sure that it tested something.

usage: python ansible_test.py sanity|units|integration [--coverage] [--part N/OF] [TARGET...]

The ansible-core in the environment of the running Python is the one that tests, on that same Python. Integration can be
run in parts, side by side: each part has its own copy, in which nothing of the other is shared.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from checkout import CHECKOUT, copied, core_version, environment, variables

# The pip with which each ansible-core fills its virtual environments.
BOOTSTRAP_PIP = {"2.16": "23.1.2", "2.17": "23.1.2", "2.18": "24.2", "2.19": "24.2", "2.20": "25.2", "2.21": "25.2"}
BOOTSTRAP = """\
# Put here by the tests of cutover.drs: pip out of its wheel, in place of get-pip.py.
import os, runpy, sys
wheel = {wheel!r}
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
sys.argv, sys.path[:0] = ["pip", "install", *options], [wheel]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def put_what_all_share(core: str) -> None:
    """What several runs of ansible-test, started at once on a new machine, would each make and trip over."""
    home = Path.home() / ".ansible" / "test"
    cache = home / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "cutover-drs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        put_bootstrap(core, cache)
        key = home / "id_rsa"
        if not key.exists():
            subprocess.run(["ssh-keygen", "-m", "PEM", "-q", "-t", "rsa", "-N", "", "-f", str(key)], check=True)


def put_bootstrap(core: str, cache: Path) -> None:
    """Put pip where ansible-test looks before it downloads get-pip.py; the wheel comes from the registry pip uses."""
    version = BOOTSTRAP_PIP[core]
    wheel = cache / f"pip-{version}-py3-none-any.whl"
    script = cache / f"get_pip_{version.replace('.', '_')}.py"
    if script.exists() and (wheel.exists() or str(wheel) not in script.read_text(encoding="utf-8")):
        return
    command = [sys.executable, "-m", "pip", "-qq", "download", "--no-deps", "--dest", str(cache), f"pip=={version}"]
    subprocess.run(command, check=True)
    script.write_text(BOOTSTRAP.format(wheel=str(wheel)), encoding="utf-8")


def clear_results(output: Path, kind: str) -> None:
    """Remove what an earlier run of this kind left, so that only this run's results are counted."""
    for stale in [*output.glob(f"junit/*{kind}*.xml"), *output.glob(f"data/{kind}-*.json")]:
        stale.unlink()
    if kind != "sanity":
        shutil.rmtree(output / "coverage", ignore_errors=True)


def count(output: Path, kind: str, printed: str) -> int:
    """How many tests (sanity, units) or targets (integration) this run really executed."""
    if kind == "sanity":
        return len(set(re.findall(r'^Running sanity test "([^"]+)"', printed, re.MULTILINE)))
    if kind == "integration":
        results = [json.loads(path.read_text(encoding="utf-8")) for path in output.glob("data/integration-*.json")]
        return sum(len(result["targets"]) for result in results)
    reports = [path.read_text(encoding="utf-8") for path in output.glob("junit/*units*.xml")]
    return sum(report.count("<testcase ") - report.count("<skipped ") for report in reports)


def integration_targets() -> list[str]:
    """Return all that are tests, by name; the others only serve them."""
    targets = []
    for target in (CHECKOUT / "tests" / "integration" / "targets").iterdir():
        aliases = target / "aliases"
        hidden = aliases.exists() and "hidden" in aliases.read_text(encoding="utf-8").split()
        if not hidden and not target.name.startswith(("setup_", "prepare_")):
            targets.append(target.name)
    return sorted(targets)


def left_out(copy: Path, targets: list[str]) -> list[str]:
    """Integration targets that did not run though nothing says so: ansible-test only warns when it excludes one."""
    ran: set[str] = set()
    for path in (copy / "tests" / "output" / "data").glob("integration-*.json"):
        ran.update(json.loads(path.read_text(encoding="utf-8"))["targets"])
    return [target for target in targets if target not in ran]


def part_of(targets: list[str], part: str) -> list[str]:
    """Return the targets of a part, e.g. 1/2: every second one, from the first."""
    number, of = map(int, part.split("/"))
    return targets[number - 1 :: of]


def run(command: list[str], copy: Path, settings: dict[str, str]) -> tuple[int, str]:
    """Run it, showing and keeping what it prints."""
    printed = []
    with subprocess.Popen(
        command,
        cwd=copy,
        env=settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            printed.append(line)
    return process.returncode, "".join(printed)


def main() -> int:
    parser = argparse.ArgumentParser(description="ansible-test on a copy of the checkout")
    parser.add_argument("kind", choices=("sanity", "units", "integration"))
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--part", default="1/1")
    parser.add_argument("targets", nargs="*")
    options = parser.parse_args()
    core = core_version()
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    put_what_all_share(core)
    command = [str(environment() / "bin" / "python"), str(environment() / "bin" / "ansible-test"), options.kind]
    command += ["--venv", "--python", python, "--color", "no"]
    command += ["--coverage"] if options.coverage else []
    targets = options.targets
    if options.kind == "integration" and not targets:
        targets = part_of(integration_targets(), options.part)
    with copied(core if options.part == "1/1" else f"{core}-part-{options.part.replace('/', '-of-')}") as copy:
        output = copy / "tests" / "output"
        clear_results(output, options.kind)
        code, printed = run([*command, *targets], copy, variables(PIP_QUIET="2"))
        ran = count(output, options.kind, printed)
        forgotten = left_out(copy, targets) if options.kind == "integration" and code == 0 else []
    if forgotten:
        print(f"ansible-test left out, and that is a failure: {', '.join(forgotten)}", file=sys.stderr)
        return 1
    if code == 0 and (ran == 0 or "All targets skipped" in printed):
        print(f"ansible-test {options.kind} tested nothing, and that is a failure", file=sys.stderr)
        return 1
    if code == 0:
        unit = {"sanity": "sanity tests", "units": "unit tests", "integration": "integration targets"}[options.kind]
        print(f"ansible-core {core}, Python {python}: {ran} {unit} ran")
    return code


if __name__ == "__main__":
    sys.exit(main())
