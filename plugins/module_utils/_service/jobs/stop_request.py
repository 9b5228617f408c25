# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request that stops jobs, in the two versions of the API, and what its answer says about each job.

Sources: the pages "Batch Deleting or Ending Tasks" (v3, both clouds) and "Batch Stopping Tasks" (v5,
Huawei Cloud only; the vendor's SDK marks v3 as deprecated).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..._job.errors import LONGEST_WORD, DrsError, Kind, cut, is_error_code, is_error_message, protocol_error
from ..http.responses import RefusedJobsError

# "Another operation is being performed on the task. Try again later." and "Operation too frequent."
_BUSY_CODES = ("DRS.M01504", "DRS.M01503")
_MESSAGES = ("error_msg", "error_message")
# "API cannot be invoked by a task in the current state": it may be ending already.
WRONG_STATE_CODE = "DRS.M00304"


class Reply(str, Enum):
    """What is known about a job's stop from the answer to the request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    # Not carried out, and the same request may be sent later.
    BUSY = "busy"
    # Lost, cut short or contradictory: the stop may have been carried out.
    UNCLEAR = "unclear"
    # Refused for all jobs of the request, perhaps because of one of them: send each alone.
    APART = "apart"


@dataclass(frozen=True, slots=True)
class StopAnswer:
    """What the service said to the stop of one job."""

    reply: Reply
    error_code: str | None = None
    error_message: str | None = None

    @property
    def reason(self) -> str:
        """Code and message, as far as there are any."""
        return ": ".join(text.rstrip(". ") for text in (self.error_code, self.error_message) if text)


@dataclass(frozen=True)
class StopOperation:
    """One way to stop jobs. Unlike the others it is not a read, so it is never repeated blindly."""

    name: str
    version: str
    method: str
    entries: str

    def body(self, ids: Sequence[str], force: bool) -> dict[str, Any]:
        """The body that stops these jobs, forcibly only when ``force`` is true."""
        if self.version == "v5":
            return {"jobs": [{"job_id": job_id, "is_force_stop": force} for job_id in ids]}
        # Never "delete", which removes the job from the list together with its history.
        kind = "force_terminate" if force else "terminate"
        return {"jobs": [{"job_id": job_id, "delete_type": kind} for job_id in ids]}

    def parse(self, body: object, ids: Sequence[str]) -> dict[str, StopAnswer]:
        """What a success says about each id; ``unclear`` for an id that it leaves out.

        Raises :class:`DrsError` of kind ``protocol`` for a body that is not such an answer.
        """
        if not isinstance(body, dict):
            raise protocol_error("The response is not a JSON object.")
        items = body.get(self.entries)
        if not isinstance(items, list):
            # An error body may come with a success code.
            if is_error_code(body.get("error_code")):
                return dict.fromkeys(ids, _answer({**body, "status": "failed"}))
            raise protocol_error(f"The response has no list '{self.entries}'.")
        answers: dict[str, StopAnswer] = {}
        for item in items:
            if not isinstance(item, dict) or not isinstance(item.get("id"), str):
                raise protocol_error(f"An entry of '{self.entries}' in the response has no job id.")
            answer = _answer(item)
            # Two entries that contradict each other say nothing.
            answers[item["id"]] = answer if answers.get(item["id"], answer) == answer else StopAnswer(Reply.UNCLEAR)
        return {job_id: answers.get(job_id, StopAnswer(Reply.UNCLEAR)) for job_id in ids}


STOP_V3 = StopOperation("batch-jobs", "v3", "DELETE", "results")
STOP_V5 = StopOperation("batch-stop", "v5", "POST", "jobs")


def _answer(item: Mapping[str, Any]) -> StopAnswer:
    status = str(item.get("status")).lower()
    code = cut(str(item["error_code"]), LONGEST_WORD) if is_error_code(item.get("error_code")) else None
    message = next((cut(str(item[name])) for name in _MESSAGES if is_error_message(item.get(name))), None)
    if status == "success" and not code:
        return StopAnswer(Reply.ACCEPTED)
    if status == "failed":
        return _refusal(code, message)
    return StopAnswer(Reply.UNCLEAR, code, message)


def _refusal(code: str | None, message: str | None) -> StopAnswer:
    return StopAnswer(Reply.BUSY if code in _BUSY_CODES else Reply.REFUSED, code, message)


def answers_of(error: DrsError, ids: Sequence[str]) -> dict[str, StopAnswer]:
    """What a request that failed as a whole says about each of its jobs."""
    if isinstance(error, RefusedJobsError) and error.jobs:
        # Whether the others were stopped is not said.
        return {
            job_id: _refusal(*error.jobs[job_id]) if job_id in error.jobs else StopAnswer(Reply.UNCLEAR)
            for job_id in ids
        }
    return dict.fromkeys(ids, StopAnswer(_reply_of(error, len(ids)), error.error_code, error.error_message))


def _reply_of(error: DrsError, jobs: int) -> Reply:
    if error.error_code and (error.kind is Kind.THROTTLED or error.error_code in _BUSY_CODES):
        # Without a code it is not the service that says so, and the stop may have been carried out.
        return Reply.BUSY
    if error.kind is Kind.INVALID_REQUEST:
        about_all = error.withdrawn or (isinstance(error, RefusedJobsError) and error.empty)
        return Reply.REFUSED if jobs == 1 or about_all else Reply.APART
    if error.kind in (Kind.AUTHENTICATION, Kind.PERMISSION, Kind.CONFIGURATION):
        return Reply.REFUSED
    return Reply.UNCLEAR
