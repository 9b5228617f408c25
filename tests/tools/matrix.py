# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test with every supported ansible-core, each in its own environment, and print a table.

The environment variable CORES names the versions (all), KINDS the kinds of test (all). CORES=ends are the oldest and
the newest for which a Python is at hand.
A version for which no Python is at hand is skipped, loudly; so is none a success, and nothing tested is a failure.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from checkout import CACHE, CHECKOUT

TOOLS = Path(__file__).resolve().parent
# For each ansible-core the Pythons it runs on, the best first: the lower ones are the more telling.
PYTHONS = {
    "2.16": ("3.10", "3.11", "3.12"),
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.13", "3.12", "3.14"),
}
KINDS = ("sanity", "units", "integration", "playbooks")
REQUIREMENTS = CHECKOUT / "tests" / "integration" / "requirements.txt"


def folders() -> list[Path]:
    """Where Pythons may be: PATH, and what pyenv holds; its shims fail for a version that is not switched on."""
    found = [Path(folder) for folder in os.environ["PATH"].split(os.pathsep) if folder]
    pyenv = os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    return found + sorted(Path(pyenv).glob("versions/*/bin"))


def find_python(versions: tuple[str, ...]) -> str | None:
    for version in versions:
        for folder in folders():
            python = folder / f"python{version}"
            # It must really start, and make environments.
            if (
                python.exists()
                and not subprocess.run([python, "-c", "import venv"], capture_output=True, check=False).returncode
            ):
                return str(python)
    return None


def logged(command: list[str], log: Path) -> bool:
    with log.open("a", encoding="utf-8") as output:
        output.write(f"$ {' '.join(command)}\n")
        output.flush()
        done = subprocess.run(
            command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False
        )
    return done.returncode == 0


def test(core: str, kinds: list[str]) -> dict[str, str]:
    """Test with one ansible-core; a word for each kind of test, and the Python."""
    python = find_python(PYTHONS[core])
    if python is None:
        print(f"   ansible-core {core}: SKIPPED, no Python {' or '.join(PYTHONS[core])} is at hand", flush=True)
        return {"python": "none", **dict.fromkeys(kinds, "SKIPPED")}
    cells = {"python": Path(python).name.removeprefix("python")}
    environment = CACHE / "matrix" / core
    log = CACHE / "matrix" / f"{core}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    if not logged(
        [python, str(TOOLS / "setup_venv.py"), str(environment), f"ansible-core=={core}.*", str(REQUIREMENTS)], log
    ):
        cells.update(dict.fromkeys(kinds, "FAILED"))
        kinds = []
    for kind in kinds:
        began = time.monotonic()
        command = (
            ["-m", "pytest", "-n", "4", "tests/playbooks"]
            if kind == "playbooks"
            else [str(TOOLS / "ansible_test.py"), kind]
        )
        passed = logged([str(environment / "bin" / "python"), *command], log)
        cells[kind] = f"{'ok' if passed else 'FAILED'} {time.monotonic() - began:.0f} s"
    failed = any(cell.startswith("FAILED") for cell in cells.values())
    said = f"{log.read_text(encoding='utf-8').rstrip()}\n" if failed else ""
    print(f"{said}   ansible-core {core}, Python {cells['python']}: {'FAILED' if failed else 'ok'}", flush=True)
    return cells


def chosen(name: str, known: list[str]) -> list[str]:
    wanted = os.environ.get(name, "").split() or known
    unknown = [word for word in wanted if word not in known]
    if unknown:
        raise SystemExit(f"{name}: {', '.join(unknown)} is not among {', '.join(known)}")
    return wanted


def ends() -> list[str]:
    at_hand = [core for core, versions in PYTHONS.items() if find_python(versions)]
    if not at_hand:
        raise SystemExit("no Python is at hand that any ansible-core runs on")
    # The same one twice if there is only one.
    return list(dict.fromkeys((at_hand[0], at_hand[-1])))


def main() -> int:
    cores = ends() if os.environ.get("CORES") == "ends" else chosen("CORES", list(PYTHONS))
    kinds = chosen("KINDS", list(KINDS))
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        rows = dict(zip(cores, pool.map(lambda core: test(core, kinds), cores), strict=True))
    columns = ["python", *kinds]
    print(f"   {'core':<6}" + "".join(f"{column:<14}" for column in columns))
    for core, cells in rows.items():
        print(f"   {core:<6}" + "".join(f"{cells[column]:<14}" for column in columns))
    results = [cells[kind] for cells in rows.values() for kind in kinds]
    if all(result == "SKIPPED" for result in results):
        print("nothing was tested, and that is a failure", file=sys.stderr)
        return 1
    return 1 if any(result.startswith("FAILED") for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
