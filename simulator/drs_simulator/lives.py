# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a job as a list of steps, and the reading of such a list at a moment.

Nothing here knows HTTP or clocks: seconds since the job's beginning come in, a step goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from drs_simulator.checks import ScenarioError

FULL, FULL_DONE, FULL_FAILED = "FULL_TRANSFER_STARTED", "FULL_TRANSFER_COMPLETE", "FULL_TRANSFER_FAILED"
INCREMENTAL, INCREMENTAL_FAILED = "INCRE_TRANSFER_STARTED", "INCRE_TRANSFER_FAILED"

# The fields that `ramp` moves linearly towards the next step.
NUMERIC_FIELDS = ("progress", "delay", "remaining", "struct", "data", "index")


@dataclass(frozen=True)
class Step:
    """What the service says of a job from `at` on. Percentages and seconds; None leaves the field to its default."""

    at: float
    status: str
    progress: float | None = None
    delay: float | None = None
    remaining: float | None = None
    struct: float | None = None
    data: float | None = None
    index: float | None = None
    error_code: str | None = None
    error_msg: str | None = None
    answer: str | None = None
    ramp: bool = False


@dataclass(frozen=True)
class Pace:
    """The parameters of the named lives, in simulated seconds (delays: seconds of lag)."""

    start_seconds: float = 0
    full_seconds: float = 600
    complete_seconds: float = 5
    delay_from: float = 300
    delay_to: float = 0
    drain_seconds: float = 300
    fail_at: float | None = None
    pause_at: float | None = None
    resume_at: float | None = None
    stop_at: float | None = None
    release_seconds: float = 60
    delete_at: float = 0
    error_code: str = "DRS.M00004"
    error_msg: str = "Service abnormal."


def reading(steps: Sequence[Step], seconds: float) -> Step:
    """The state at SECONDS: the last step begun, moved towards the next one if it is a ramp."""
    begun = [number for number, step in enumerate(steps) if step.at <= seconds]
    place = begun[-1] if begun else 0
    step = steps[place]
    if step.ramp and begun and place + 1 < len(steps):
        step = _between(step, steps[place + 1], seconds)
    return step


def _between(step: Step, following: Step, seconds: float) -> Step:
    share = (seconds - step.at) / (following.at - step.at)
    moved: dict[str, float] = {}
    for name in NUMERIC_FIELDS:
        here, there = getattr(step, name), getattr(following, name)
        # A negative delay means "no value": there is nothing between a value and none.
        if here is not None and there is not None and here >= 0 and there >= 0:
            moved[name] = here + (there - here) * share
    return replace(step, **moved)  # type: ignore[arg-type]


def _full(pace: Pace) -> list[Step]:
    """Structure first, then data, indexes last; `progress` is the time gone by."""
    begin, length = pace.start_seconds, pace.full_seconds
    steps = [Step(0, "STARTJOBING", 0, None, length, 0, 0, 0)] if begin else []
    for share, struct, data, index in ((0.0, 0, 0, 0), (0.1, 100, 0, 0), (0.9, 100, 100, 0)):
        progress, remaining = share * 100, (1 - share) * length
        steps.append(Step(begin + share * length, FULL, progress, None, remaining, struct, data, index, ramp=True))
    return [*steps, Step(begin + length, FULL_DONE, 100, None, 0, 100, 100, 100)]


def _full_incremental(pace: Pace) -> list[Step]:
    steps = _full(pace)
    if pace.complete_seconds == 0:  # the service passes through FULL_TRANSFER_COMPLETE, sometimes unseen
        steps.pop()
        steps.append(replace(steps[-1], at=pace.start_seconds + pace.full_seconds, ramp=False, progress=100, index=100))
    arrived = pace.start_seconds + pace.full_seconds + pace.complete_seconds
    return [*steps, *_drain(pace, replace(steps[-1], at=arrived, status=INCREMENTAL, remaining=0))]


def _incremental(pace: Pace) -> list[Step]:
    steps = [Step(0, "STARTJOBING", 0)] if pace.start_seconds else []
    return [*steps, *_drain(pace, Step(pace.start_seconds, INCREMENTAL, 100, remaining=0))]


def _drain(pace: Pace, first: Step) -> list[Step]:
    """The delay falls from `delay_from` to `delay_to` and stays there until a person stops the job."""
    return [
        replace(first, delay=pace.delay_from, ramp=True),
        replace(first, at=first.at + pace.drain_seconds, delay=pace.delay_to),
    ]


def _children(pace: Pace) -> list[Step]:
    begin, end = pace.start_seconds, pace.start_seconds + pace.full_seconds
    starting = [Step(0, "CHILD_TRANSFER_STARTING", 0)] if begin else []
    return [
        *starting,
        Step(begin, "CHILD_TRANSFER_STARTED", 0, remaining=pace.full_seconds, ramp=True),
        Step(end, "CHILD_TRANSFER_COMPLETE", 100, remaining=0),
    ]


def _undisturbed(mode: str, pace: Pace) -> list[Step]:
    cycle = {"FULL_TRANS": _full, "INCR_TRANS": _incremental}.get(mode, _full_incremental)
    return cycle(pace)


def _halfway(mode: str, pace: Pace) -> float:
    length = pace.drain_seconds if mode == "INCR_TRANS" else pace.full_seconds
    return pace.start_seconds + length / 2


def _interrupt(steps: list[Step], at: float, resume_at: float | None, frozen: Step) -> list[Step]:
    """Cut a life at AT, stand in FROZEN, and go on from RESUME_AT as if no time had passed."""
    now = replace(reading(steps, at), at=at)
    # `now` ends the ramp that is under way exactly here; no time is spent in it.
    cut = [*(step for step in steps if step.at < at), replace(now, ramp=False), frozen]
    if resume_at is None:
        return cut
    shift = resume_at - at
    return [*cut, replace(now, at=resume_at), *(replace(s, at=s.at + shift) for s in steps if s.at > at)]


def _failing(mode: str, pace: Pace) -> list[Step]:
    steps = _undisturbed(mode, pace)
    at = _halfway(mode, pace) if pace.fail_at is None else pace.fail_at
    now = reading(steps, at)
    status = {INCREMENTAL: INCREMENTAL_FAILED, "STARTJOBING": "START_JOB_FAILED"}.get(now.status, FULL_FAILED)
    failed = replace(
        now, at=at, status=status, delay=None, ramp=False, error_code=pace.error_code, error_msg=pace.error_msg
    )
    return _interrupt(steps, at, pace.resume_at, failed)


def _paused(mode: str, pace: Pace) -> list[Step]:
    steps = _undisturbed(mode, pace)
    at = _halfway(mode, pace) if pace.pause_at is None else pace.pause_at
    return _interrupt(steps, at, pace.resume_at, replace(reading(steps, at), at=at, status="PAUSING", ramp=False))


def _stopped(mode: str, pace: Pace) -> list[Step]:
    steps = _undisturbed(mode, pace)
    at = steps[-1].at if pace.stop_at is None else pace.stop_at
    stopping = replace(reading(steps, at), at=at, status="RELEASE_RESOURCE_STARTED", delay=None, ramp=False)
    cut = _interrupt(steps, at, None, stopping)
    return [*cut, replace(stopping, at=at + pace.release_seconds, status="RELEASE_RESOURCE_COMPLETE")]


def _deleted(mode: str, pace: Pace) -> list[Step]:
    steps = _undisturbed(mode, pace)
    gone = replace(reading(steps, pace.delete_at), at=pace.delete_at, status="DELETED", delay=None, ramp=False)
    return _interrupt(steps, pace.delete_at, None, gone)


LIVES: dict[str, Callable[[str, Pace], list[Step]]] = {
    "full": lambda mode, pace: _full(pace),
    "full_incremental": lambda mode, pace: _full_incremental(pace),
    "incremental": lambda mode, pace: _incremental(pace),
    "failing": _failing,
    "paused": _paused,
    "stopped": _stopped,
    "deleted": _deleted,
    "children": lambda mode, pace: _children(pace),
}
USUAL_MODE = {"full": "FULL_TRANS", "children": "FULL_TRANS", "incremental": "INCR_TRANS"}


def life(name: str, mode: str, pace: Pace) -> tuple[Step, ...]:
    """The steps of the named life; ScenarioError where its times go backwards."""
    interrupted_at = {"failing": pace.fail_at, "paused": pace.pause_at}.get(name)
    if pace.resume_at is not None and pace.resume_at < (interrupted_at or 0):
        raise ScenarioError(f"life {name}: resume_at must not come before the interruption.")
    return tuple(LIVES[name](mode, pace))
