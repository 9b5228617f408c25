# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz the answers' and the recordings' readers for FUZZ_SECONDS (300), both at once: nox -s "verify(fuzz)".

What was found to reach new code is kept in the cache for the next run; an input that fails is written to
tests/output/fuzz and told.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Rules
from ansible_collections.cutover.drs.plugins.module_utils._wait.recording import Recorder
from ansible_collections.cutover.drs.tests.unit.reports.results import NOON, job_id, observations

CHECKOUT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ["DRS_CACHE"], "fuzz")
TARGETS = ("answers", "recording")
BODIES = CHECKOUT / "simulator" / "bodies"
FOUND = CHECKOUT / "tests" / "output" / "fuzz"
LONGEST = 8192
# What the readers look for: libFuzzer would guess such words only by chance.
SOURCES = ("_job/records", "_wait/recording", "_job/status_table", "_service/http/responses", "_job/errors")


def bodies(value: object) -> list[object]:
    """Return the documents in a file of bodies: itself, and those that it keeps below other names."""
    found = [value]
    for entry in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(entry, (dict, list)):
            found += bodies(entry)
    return found


def seed(target: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if target == "answers":
        seeds = []
        for path in BODIES.glob("*.json"):
            for body in bodies(json.loads(path.read_text(encoding="utf-8"))):
                written = json.dumps(body).encode()
                seeds += [bytes((status, operation)) + written for status in (0, 4) for operation in (0, 1)]
    else:
        seeds = [recording()]
    for number, content in enumerate(seeds):
        if len(content) <= LONGEST:
            (folder / f"seed-{number}").write_bytes(content)


def recording() -> bytes:
    """Return a run of all kinds of lines, as a wait writes them."""
    rules = Rules()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "wait.jsonl")
        with Recorder(str(path), [job_id(0)], rules, NOON) as recorder:
            # The poll with number ten fails.
            for seen in list(observations("failed", 1, 15 * rules.interval, rules))[5:]:
                recorder.observed(seen)
            recorder.verdict("failed", "1 job failed.")
        return path.read_bytes()


def words() -> str:
    """Return a dictionary of libFuzzer from the texts in the readers."""
    found = set()
    for name in SOURCES:
        text = (CHECKOUT / "plugins" / "module_utils" / f"{name}.py").read_text(encoding="utf-8")
        found |= set(re.findall(r'"([\w.-]{2,40})"', text))
    return "".join(f'"{word}"\n' for word in sorted(found))


def run(target: str, seconds: int) -> int:
    corpus = CORPUS / target
    seed(target, corpus)
    FOUND.mkdir(parents=True, exist_ok=True)
    dictionary = corpus.with_suffix(".dict")
    dictionary.write_text(words(), encoding="utf-8")
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        "-timeout=20",
        "-rss_limit_mb=2048",
        f"-dict={dictionary}",
    ]
    command = [sys.executable, "tests/fuzz/fuzz.py", target, os.environ["PYTHONPATH"], *options]
    done = subprocess.run(
        [*command, "-print_final_stats=1", "-verbosity=1", f"-artifact_prefix={FOUND}/{target}-", str(corpus)],
        cwd=CHECKOUT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    lines = done.stdout.splitlines()
    if done.returncode:
        print("\n".join(lines[-60:]))
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", done.stdout)
    covered = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)", done.stdout)
    features = (
        f"{covered[-1][0]} places and {covered[-1][1]} features in {covered[-1][2]} inputs" if covered else "nothing"
    )
    verdict = "ok" if done.returncode == 0 else f"FAILED with exit code {done.returncode}"
    print(f"== {target}: {verdict}, {executed[1] if executed else 'no'} executions, reached {features}", flush=True)
    return done.returncode


def main() -> int:
    targets = sys.argv[1:] or list(TARGETS)
    if unknown := [target for target in targets if target not in TARGETS]:
        print(f"no such target: {', '.join(unknown)}; there are {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    seconds = int(os.environ.get("FUZZ_SECONDS", "300"))
    with ThreadPoolExecutor(max_workers=2) as lanes:
        codes = list(lanes.map(lambda target: run(target, seconds), targets))
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
