# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reachable state of the cutover, with a run, its guard, a second run and recover, keeps the promise.

The search visits each state once; times are compared only with two limits, so that states which agree about those are
the same. What is checked is what the actors were told to do, written down here without a look into the journal.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import (
    GUARD_ATTEMPTS,
    Completed,
    Enter,
    Event,
    Failed,
    GateEnded,
    RunDied,
    Stopped,
    TimeUp,
    UnfreezeFailed,
    Unfrozen,
    advance,
    begin,
    recover,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import (
    STAGES,
    Journal,
    Move,
    Next,
    Outcome,
    Owner,
)
from ansible_collections.cutover.drs.tests.unit.cutover.builders import (
    ALL,
    GUARD,
    MAX_OUTAGE,
    OTHER,
    RECOVER,
    RUN,
    SHORT,
    VALID_FOR,
    plan,
)

USER_TASKS = ("freeze", "verify", "switch")


@dataclass(frozen=True)
class World:
    """What has really happened, as an onlooker sees it."""

    now: float = 0.0
    alive: frozenset[str] = frozenset({"run", "guard", "recover", "other"})
    owner: str = "run"
    begun: bool = False
    stages: tuple[str, ...] = ()
    frozen: bool = False
    switched: bool = False
    unfreezing: str = ""
    unfreeze_began: bool = False
    unfrozen: int = 0
    not_ready: bool = False
    valid_until: float = -1.0
    late_at: float | None = None
    attempts: int = 0
    stopped: bool = False
    stopping: str = ""

    @property
    def key(self) -> object:
        valid, late = self.valid_until - self.now, None if self.late_at is None else self.late_at - self.now
        return replace(
            self,
            now=0.0,
            valid_until=float(valid > 0),
            late_at=None if late is None else float(late > 0),
        ), None if late is None else valid > late


ACTORS = {"run": RUN, "guard": GUARD, "other": OTHER, "recover": RECOVER}
NAMES = {owner: name for name, owner in ACTORS.items()}
State = tuple[Journal, World]


def lives(world: World, owner: Owner | None) -> bool:
    return owner is not None and NAMES[owner] in world.alive


def key(state: State) -> object:
    journal, world = state
    evidence, now = journal.evidence, world.now
    return (
        journal.owner,
        journal.plan,
        tuple((entry.name, entry.state, entry.ended is None, entry.by) for entry in journal.entries),
        journal.frozen_since is None,
        None if journal.deadline is None else journal.deadline > now,
        evidence and (evidence.used, evidence.valid_until > now),
        bool(journal.failure),
        journal.attempts,
        journal.outcome,
        journal.unfrozen_by,
        journal.stopped,
        journal.failed_in,
        world.key,
    )


def events(journal: Journal, world: World) -> Iterator[Event]:
    """Everything that a living actor may report, also in a situation in which it should not."""
    now = world.now
    for name in ("run", "other"):
        if name not in world.alive or (name == "other" and not world.begun):
            continue
        by = ACTORS[name]
        yield from (Enter(by, now, stage) for stage in journal.plan.stages)
        for gate in ("approach", "final", "recheck"):
            yield GateEnded(by, now, gate, True, "", now + VALID_FOR)
            yield GateEnded(by, now, gate, False, "Delay 9 s.")
        # Only who was told to stop the jobs can say how that ended; a run that came back may say it late.
        if "stop" in world.stages:
            yield Stopped(by, now, journal.plan.jobs)
            yield Stopped(by, now, journal.plan.jobs[:1], "b: the service is still busy.")
        yield Completed(by, now)
    for name in ACTORS:
        if name in world.alive and (name != "other" or world.begun):
            by = ACTORS[name]
            yield Failed(by, now, "A task failed.")
            # Only who was told to unfreeze can say how that ended.
            if world.unfreezing == name:
                yield Unfrozen(by, now)
                yield UnfreezeFailed(by, now, "No route.")
    if "guard" in world.alive and not world.begun:
        yield TimeUp(GUARD, now, RUN)
        if "run" not in world.alive:
            yield RunDied(GUARD, now, RUN)


def observed(world: World, event: Event, move: Move) -> World:
    """Check what one actor was told, and note it."""
    actor, told = NAMES[event.by], move.next
    if isinstance(event, Enter) and told is Next.PROCEED:
        return entered(world, event, actor)
    if isinstance(event, GateEnded):
        if told is Next.PROCEED:
            assert event.ready
            assert actor == world.owner
            assert not world.unfreeze_began
            assert not world.switched
            return replace(world, valid_until=event.valid_until or -1.0)
        if actor == world.owner and not event.ready and not world.switched and move.journal.failure:
            return replace(world, not_ready=True, valid_until=-1.0)
        return world
    if isinstance(event, Stopped):
        if told is Next.PROCEED:
            assert actor == world.stopping == world.owner
            assert not event.reason
            return replace(world, stopped=True, stopping="")
        stopped_badly = (
            actor == world.owner == world.stopping and bool(event.reason) and move.journal.failed_in == "stop"
        )
        return replace(world, not_ready=True, stopping="") if stopped_badly else world
    if told is Next.UNFREEZE:
        return unfreezes(world, event.at, actor, move)
    if isinstance(event, Unfrozen):
        assert (told is Next.STOP and move.journal.outcome is Outcome.UNFROZEN) or actor != world.owner
        if actor != world.owner:
            return replace(world, unfreezing="")
        return replace(world, unfreezing="", unfrozen=world.unfrozen + 1, frozen=False)
    if isinstance(event, UnfreezeFailed) or (isinstance(event, Failed) and actor == world.unfreezing):
        return replace(world, unfreezing="")
    if isinstance(event, (RunDied, TimeUp)) and move.journal.owner == event.by:
        return replace(world, owner=actor, unfreezing="" if world.unfreezing != actor else actor)
    return world


def entered(world: World, event: Enter, actor: str) -> World:
    stage = event.stage
    assert actor == world.owner, "only the owner does anything"
    assert not world.unfreeze_began, "nothing begins after the unfreeze has begun"
    assert not world.switched or stage == "stop", "only the stop of the jobs begins after the switch has begun"
    assert world.late_at is None or event.at < world.late_at or world.switched, "nothing begins after max_outage"
    if stage in USER_TASKS:
        assert not world.not_ready, f"user tasks run after a gate that is not ready: {stage}"
    if stage in ("freeze", "stop", "switch") and not world.stopped and not world.switched:
        assert event.at < world.valid_until, f"{stage} on no evidence that is still valid"
    if stage in ("stop", "switch", "verify"):
        assert "final" in world.stages
    world = replace(world, stages=(*world.stages, stage))
    if stage in ("final", "verify", "confirm_freeze", "confirm_switch"):
        # What was seen before the freeze, or before work of unknown length, counts for nothing.
        world = replace(world, valid_until=-1.0)
    if stage == "freeze":
        world = replace(world, frozen=True, late_at=world.late_at or event.at + MAX_OUTAGE)
    if stage == "stop":
        world = replace(world, stopping=actor)
    return replace(world, switched=world.switched or stage == "switch")


def unfreezes(world: World, at: float, actor: str, move: Move) -> World:
    assert world.frozen, "only what is frozen is unfrozen"
    assert not world.switched, "nothing is undone after the switch began"
    assert not world.unfrozen, "unfrozen once"
    running = world.unfreezing
    assert not running or running == actor or running not in world.alive, "one unfreezes at a time"
    attempts = world.attempts + 1 if world.owner == actor else 1
    assert attempts <= (GUARD_ATTEMPTS if actor == "guard" else 1) or actor == "recover"
    return replace(world, owner=actor, unfreezing=actor, unfreeze_began=True, attempts=attempts)


def checked(journal: Journal, world: World) -> None:
    """Check a state: how it ended is what happened, and no end leaves a frozen source without a word."""
    outcome = journal.outcome
    if outcome is Outcome.DONE or outcome is Outcome.SWITCH_FAILED:
        assert world.switched
        assert not world.unfreeze_began
    if outcome is Outcome.UNFROZEN:
        assert world.unfrozen == 1
        assert not world.switched
    if outcome is Outcome.FROZEN:
        assert world.frozen
        assert not world.switched
        assert world.unfreeze_began or not journal.plan.unfreeze_tasks
        assert journal.failure
    if outcome is Outcome.NOT_BEGUN:
        assert not world.frozen
        assert not world.switched
    if world.frozen and not world.switched and outcome is None and not world.unfreezing:
        # Somebody can still end it: the run itself, the guard, or recover.
        move = recover(journal, RECOVER, world.now, owner_lives=False)
        assert move is not None
        assert move.next is (Next.UNFREEZE if journal.plan.unfreeze_tasks else Next.STOP)
        late = advance(journal, TimeUp(GUARD, (world.late_at or 0.0) + 1.0, RUN)) if journal.owner == RUN else move
        assert late.next is move.next
    if outcome is not None:
        for by in (RUN, GUARD):
            for event in (RunDied(by, world.now, RUN), TimeUp(by, world.now, RUN)):
                assert advance(journal, event).journal == journal, "an end is an end"


def time_passes(world: World) -> Iterator[World]:
    for limit in (world.valid_until, world.late_at):
        if limit is not None and limit > world.now:
            yield replace(world, now=limit)


def successors(state: State) -> Iterator[tuple[str, State]]:
    journal, world = state
    for event in events(journal, world):
        move = advance(journal, event)
        # No answer to one who is no owner changes anything.
        if event.by != journal.owner and not isinstance(event, (RunDied, TimeUp)):
            assert move.journal == journal
            assert move.next in (Next.REFUSE, Next.WAIT, Next.STOP)
        yield f"{event}", (move.journal, observed(world, event, move))
    yield from (("time passes", (journal, later)) for later in time_passes(world))
    for name in ("run", "guard", "other", "recover"):
        if name in world.alive and (name != "other" or world.begun):
            yield f"{name} dies", (journal, replace(world, alive=world.alive - {name}))
    # The guard holds the lock: nobody else looks at the journal before it has ended.
    if "guard" not in world.alive or journal.outcome is not None:
        yield from takeovers(journal, world)


def takeovers(journal: Journal, world: World) -> Iterator[tuple[str, State]]:
    living = lives(world, journal.owner)
    if "other" in world.alive and not world.begun:
        move = begin(journal, journal.plan, OTHER, world.now, owner_lives=living)
        assert move.next is not Next.UNFREEZE
        if move.next is Next.PROCEED:
            assert not (living and journal.outcome is None)
            assert not world.switched
            # A new history, but the source is as the earlier one left it.
            fresh = World(now=world.now, alive=world.alive, owner="other", begun=True, frozen=world.frozen)
            if world.frozen:
                fresh = replace(fresh, late_at=world.now + MAX_OUTAGE)
            yield "other begins", (move.journal, fresh)
        else:
            assert move.journal == journal
    if "recover" in world.alive and journal.owner != RECOVER:
        taken = recover(journal, RECOVER, world.now, owner_lives=living)
        assert taken is not None
        if taken.next is Next.UNFREEZE:
            assert not (living and journal.outcome is None)
            again = unfreezes(
                replace(world, attempts=0, unfreezing="" if not living else world.unfreezing),
                world.now,
                "recover",
                taken,
            )
            yield "recover", (taken.journal, again)
        elif taken.next is Next.STOP and taken.journal != journal:
            yield "recover", (taken.journal, replace(world, owner="recover"))
        else:
            assert taken.journal == journal


def search(start: State, limit: int) -> Counter[str]:
    """Visit every state that can be reached; say the shortest way to one that is wrong."""
    came: dict[object, tuple[object, str] | None] = {key(start): None}
    waiting, seen = deque([start]), Counter[str]()
    while waiting:
        state = waiting.popleft()
        here = key(state)
        seen[state[0].outcome.value if state[0].outcome else "under way"] += 1
        try:
            checked(*state)
            for how, after in successors(state):
                there = key(after)
                if there not in came:
                    came[there] = (here, how)
                    waiting.append(after)
        except AssertionError as error:
            pytest.fail(f"{error}\nafter\n" + "\n".join(way(came, here)) + f"\n{state[0]}\n{state[1]}")
        assert len(came) <= limit, "more states than expected"
    return seen


def way(came: dict[object, tuple[object, str] | None], here: object) -> list[str]:
    steps: list[str] = []
    while (step := came[here]) is not None:
        here = step[0]
        steps.append(step[1])
    return steps[::-1]


@pytest.mark.parametrize("unfreeze", ["unfreeze.yml", ""], ids=["with unfreeze tasks", "without unfreeze tasks"])
@pytest.mark.parametrize(
    "stages",
    [
        SHORT,
        pytest.param(ALL, marks=pytest.mark.thorough),
        pytest.param((*SHORT, "stop"), marks=pytest.mark.thorough),
    ],
    ids=["short", "all stages", "the jobs are stopped after the switch"],
)
def test_every_reachable_state_keeps_the_promise(stages: tuple[str, ...], unfreeze: str) -> None:
    intended = plan(stages, unfreeze)
    seen = search((Journal(intended, RUN), World()), limit=400_000)
    ends = {"done", "switch_failed", "not_begun", "frozen", "under way"} | ({"unfrozen"} if unfreeze else set())
    assert set(seen) == ends
    # The search really went somewhere.
    assert sum(seen.values()) > 1000


@settings(settings.get_profile("cutover"))
@given(data=st.data())
def test_a_long_history_keeps_the_promise(data: st.DataObject) -> None:
    """Beyond the search: any stages that a plan can have, and times beside the limits."""
    asks, verifies = data.draw(st.booleans()), data.draw(st.booleans())
    stop = data.draw(st.sampled_from(["never", "before", "after"]))
    stages = [
        *("approach", *["confirm_freeze"][:asks], "freeze", "final", *["verify"][:verifies]),
        *("confirm_switch", *["stop"][: stop == "before"], "switch", *["stop"][: stop == "after"]),
    ]
    state: State = (Journal(plan(tuple(stages), data.draw(st.sampled_from(["unfreeze.yml", ""]))), RUN), World())
    for _step in range(data.draw(st.integers(1, 60))):
        later = replace(state[1], now=state[1].now + data.draw(st.sampled_from([0.0, 0.0, 0.5, 1.0, 30.0, 61.0])))
        ways = list(successors((state[0], later)))
        if not ways:
            # Nobody lives.
            break
        # What goes on is tried more often than what is refused, so that histories are long.
        on = [way for way in ways if way[1][0] != state[0]]
        chosen = on if on and data.draw(st.integers(0, 3)) else ways
        state = data.draw(st.sampled_from(chosen))[1]
        checked(*state)


def test_every_stage_that_counts_as_frozen_comes_after_the_freeze() -> None:
    frozen = [stage.frozen for stage in STAGES.values()]
    assert frozen == sorted(frozen)
    assert ALL[frozen.index(True)] == "freeze"
