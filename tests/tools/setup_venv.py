# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a virtual environment, or leave it as it is when nothing changed.

usage: python setup_venv.py FOLDER REQUIREMENTS...

Each REQUIREMENTS is a requirements file or a specifier such as "ansible-core==2.16.*". The environment gets
the Python that runs this program. What was installed is kept in FOLDER as a stamp: the hash of the
requirements, of their files' contents, of the Python and of the place (a moved environment is broken: its scripts name
their interpreter in full).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path


def digest(parts: list[str]) -> str:
    """Return the hash of the given texts and, where one names a file, of that file."""
    content = [Path(part).read_text(encoding="utf-8") if Path(part).is_file() else part for part in parts]
    return hashlib.sha256("\0".join(content).encode()).hexdigest()[:16]


def install(python: Path, requirements: list[str]) -> None:
    """Install with uv, which takes a tenth of the time; with pip where uv is not to be had or fails."""
    arguments = []
    for requirement in requirements:
        arguments += ["-r", requirement] if Path(requirement).is_file() else [requirement]
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-qq", "install"]
    uv = [str(python), "-m", "uv", "pip", "install", "--quiet", "--python", str(python)]
    if subprocess.run([*pip, "uv"], check=False).returncode == 0:
        # The certificates of the machine, as pip is often told to trust: a company's proxy has its own.
        settings = {**os.environ, "UV_SYSTEM_CERTS": "1"}
        fast = subprocess.run([*uv, *arguments], check=False, env=settings, capture_output=True, text=True)
        if fast.returncode == 0:
            return
        print("   uv could not install the packages, so pip does", file=sys.stderr)
    subprocess.run([*pip, *arguments], check=True)


def ensure(folder: Path, requirements: list[str]) -> bool:
    """Bring the environment up to date; true when something was installed."""
    place = digest([sys.version, str(folder.absolute())])
    wanted = digest([place, *requirements])
    stamp = folder / f"installed-{wanted}"
    home = folder / "made-for"
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Two makes at once must not install into one environment.
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists():
            return False
        if not home.exists() or home.read_text(encoding="utf-8") != place:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        print(f"== {folder.name}: installing {', '.join(map(os.path.basename, requirements))}", file=sys.stderr)
        began = time.monotonic()
        install(folder / "bin" / "python", requirements)
        print(f"== {folder.name}: ok, {time.monotonic() - began:.0f} s", file=sys.stderr)
        home.write_text(place, encoding="utf-8")
        stamp.touch()
    return True


def main() -> int:
    if not (3, 10) <= sys.version_info < (3, 14):
        print(f"Python 3.10 to 3.13 is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 1
    # An environment that is active while make runs must not catch what is installed here.
    os.environ.pop("VIRTUAL_ENV", None)
    folder, requirements = Path(sys.argv[1]), sys.argv[2:]
    try:
        ensure(folder, requirements)
    except subprocess.CalledProcessError as error:
        print(f"could not set up {folder}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
