# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fuzz what reads bytes of others, guided by coverage: answers of the service, and recordings.

usage: python fuzz.py answers|recording COLLECTIONS [OPTION of libFuzzer...] (by run.py)
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import atheris
from requests.structures import CaseInsensitiveDict

sys.path.insert(0, sys.argv[2])
with atheris.instrument_imports(include=["ansible_collections"]):
    from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Sample
    from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal, Reading, Rules, judge_job
    from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
    from ansible_collections.cutover.drs.plugins.module_utils._job.records import (
        ProgressRecord,
        StatusRecord,
        parse_progress,
        parse_statuses,
        summary,
    )
    from ansible_collections.cutover.drs.plugins.module_utils._service.http.redaction import Redactor
    from ansible_collections.cutover.drs.plugins.module_utils._service.http.responses import check
    from ansible_collections.cutover.drs.plugins.module_utils._service.http.transport import Answer
    from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS
    from ansible_collections.cutover.drs.plugins.module_utils._wait import loop
    from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS
    from ansible_collections.cutover.drs.plugins.module_utils._wait.recording import read_last_run

SECRET = "a secret of ours"
REDACT = Redactor(SECRET)
STATUSES = (200, 202, 204, 302, 400, 401, 403, 404, 407, 422, 429, 500, 503, 599)
PARSERS: tuple[Callable[[object], Mapping[str, StatusRecord]], ...] = (parse_statuses, parse_progress)
RULES = [Rules(goal=goal, require_full_progress=True, require_quiet=True) for goal in Goal]
DEFAULTS = {name: spec.get("default") for name, spec in {**CONNECTION_OPTIONS, **WAIT_OPTIONS}.items()}
RECORDING = Path(tempfile.mkdtemp(prefix="cutover-drs-fuzz-")) / "wait.jsonl"


def shown(value: Any) -> None:
    """What can be shown everywhere: JSON in UTF-8, without numbers that are none, and without our secret."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    text.encode()
    assert SECRET not in text, text


def answers(data: bytes) -> None:
    """Two bytes choose the HTTP status and the operation, the others are the body."""
    if len(data) < 2:
        return
    status, parse = STATUSES[data[0] % len(STATUSES)], PARSERS[data[1] % len(PARSERS)]
    try:
        records = check(Answer(status, CaseInsensitiveDict(), data[2:], None), REDACT, parse)
    except DrsError as error:
        shown([str(error), error.failure()])
        return
    assert status in (200, 202), status
    shown([*(record.as_dict() for record in records.values()), summary(list(records.values()))])
    for job_id, record in records.items():
        assert record.id == job_id
        assert job_id.strip()
        judged(record)


def judged(record: StatusRecord) -> None:
    """Whatever the service says of a job, only positive evidence makes it ready."""
    progress = record if isinstance(record, ProgressRecord) else ProgressRecord(record.id, record.found, record.status)
    for number in (progress.progress, progress.delay, progress.delay_ms, progress.remaining_time):
        assert number is None or (number.__class__ is int and number >= 0), number
    status = StatusRecord(record.id, record.found, record.status, record.error_code, record.error_message)
    for rules in RULES:
        job = judge_job(Reading(status, progress), rules, False)
        shown([hold.text for hold in job.holds])
        if job.ready:
            assert record.found
            assert not record.error_code
            assert not record.error_message
            assert progress.progress == 100
            assert job.goal is not Goal.CAUGHT_UP or (progress.delay == 0 and record.status == "INCRE_TRANSFER_STARTED")


def recording(data: bytes) -> None:
    """A recording is a file: anything may stand in it."""
    RECORDING.write_bytes(data)
    try:
        run = read_last_run(str(RECORDING))
    except DrsError as error:
        shown(str(error))
        return
    ended = [seen.ended for seen in run.observations]
    assert ended == sorted(ended), ended
    said: list[str] = []
    for goal in ("auto", "stopped"):
        options = {**DEFAULTS, "replay": str(RECORDING), "goal": goal, "stable_for": 5.0, "require_full_progress": True}
        result = loop.run(options, {}, one_sample=False, say=said.append)
        shown(result)
        assert result["ready"] == (result["verdict"] == "ready")
        if result["ready"]:
            samples = [seen for seen in run.observations if isinstance(seen, Sample)]
            assert samples
            assert all(job["ready"] and job["found"] and not job["error_code"] for job in result["jobs"])
    assert all(line.isprintable() and len(line) <= 160 for line in said), said


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], *sys.argv[3:]], {"answers": answers, "recording": recording}[sys.argv[1]])
    atheris.Fuzz()
