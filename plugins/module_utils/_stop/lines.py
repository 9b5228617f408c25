# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines a person sees while jobs are being stopped, in the form of those of a wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from .._job.errors import DrsError
from .._job.text import duration, iso, printable
from .._service.jobs.stop_request import Reply, StopAnswer
from .._wait.lines import MOST_LINES, WIDEST, ShortIds
from .decide import Job, Stand, StopRules

# Lines about single jobs at a time; the others are counted.
_MOST_CHANGES = 10
_HEARTBEAT = 15.0


class StopLines:
    """Writes what is worth a line to ``say``, which takes one line without its end."""

    def __init__(
        self, ids: Sequence[str], say: Callable[[str], None], now: Callable[[], float], elapsed: Callable[[], float]
    ) -> None:
        self._names = ShortIds(ids)
        self._say, self._now, self._elapsed = say, now, elapsed
        self._shown: dict[str, str] = {}
        self._written = 0
        self._alive_at = 0.0

    def start(self, rules: StopRules, check_mode: bool) -> None:
        """The first line: what is to be stopped, and how."""
        how = " force" if rules.force else ""
        how += "" if rules.require_ready else " without require_ready"
        how += " check_mode" if check_mode else ""
        self._line(f"START jobs={len(self._names)} timeout={duration(rules.timeout)}{how}")

    def observed(self, jobs: Sequence[Job]) -> None:
        """A reading: the jobs whose status changed, or now and then how many have ended."""
        changed = [job for job in jobs if self._shown.get(job.id) != (job.record.status or job.stand.value)]
        for job in changed:
            self._shown[job.id] = job.record.status or job.stand.value
        for job in changed[:_MOST_CHANGES]:
            self._line(f"CHANGE {self._names[job.id]} {self._shown[job.id]}")
        if len(changed) > _MOST_CHANGES:
            self._line(f"CHANGE and {len(changed) - _MOST_CHANGES} more jobs")
        # Frequent at first, then rarer, so that the bound on lines lasts.
        beat = _HEARTBEAT * 2 ** min(self._written // 25, 10)
        if not changed and self._elapsed() - self._alive_at >= beat:
            self._alive_at = self._elapsed()
            by_stand = Counter(job.stand for job in jobs)
            counts = " ".join(f"{stand.value}={by_stand[stand]}" for stand in Stand if by_stand[stand])
            self._line(f"ALIVE {counts}")

    def answered(self, answers: Mapping[str, StopAnswer]) -> None:
        """The answers to stops: how many were accepted, and those that were not."""
        accepted = [job_id for job_id, answer in answers.items() if answer.reply is Reply.ACCEPTED]
        if accepted:
            self._line(f"STOP accepted={len(accepted)} {self._names[accepted[0]]}{' ...' if accepted[1:] else ''}")
        others = [(job_id, answer) for job_id, answer in answers.items() if answer.reply is not Reply.ACCEPTED]
        for job_id, answer in others[:_MOST_CHANGES]:
            self._line(f"STOP {answer.reply.value} {self._names[job_id]} {answer.reason}".rstrip())
        if len(others) > _MOST_CHANGES:
            self._line(f"STOP not accepted for {len(others) - _MOST_CHANGES} more jobs")

    def problem(self, error: DrsError) -> None:
        """A request that gave no usable answer."""
        self._line(f"ERROR {error.kind.value} {error.error_code or error.http_status or ''}".rstrip())

    def ended(self, text: str) -> None:
        """The last line, which is always written."""
        self._write(f"END {self._names.in_text(text)}")

    def _line(self, text: str) -> None:
        # The last but one says that there are no more.
        if self._written < MOST_LINES - 2:
            self._write(text)
        elif self._written == MOST_LINES - 2:
            self._write(f"QUIET {MOST_LINES} lines are enough: the next one is the last")

    def _write(self, text: str) -> None:
        self._written += 1
        line = printable(f"drs_stop {iso(self._now())[11:]} +{duration(self._elapsed())} {text}")
        self._say(line if len(line) <= WIDEST else f"{line[: WIDEST - 3]}...")
