# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every reachable state of the pure core keeps the promise, with a run, a second run and a guard elsewhere.

The search visits each state once; times are compared only with three limits, so that states which agree about those are
the same. What is checked is what the actors were told to do, written down here without a look into the journal. That of
two guards one wins is checked with their store, in ``guard/test_histories.py``.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._cutover.decide import (
    Completed,
    Enter,
    Event,
    Failed,
    GateEnded,
    Rehearsed,
    RunDied,
    Stopped,
    TimeUp,
    UnfreezeFailed,
    Unfrozen,
    Unrenewed,
    advance,
    begin,
    take_over,
    unfreeze_again,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Journal, Move, Next, Outcome
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import STAGES
from ansible_collections.cutover.drs.tests.unit.cutover.builders import (
    ALL,
    MAX_OUTAGE,
    OTHER,
    RUN,
    SHORT,
    UNFREEZE_FOR,
    VALID_FOR,
    WATCH,
    plan,
)

USER_TASKS = ("freeze", "verify", "switch")
TIMES = ("now", "valid_until", "late_at", "gives_up_at")


@dataclass(frozen=True)
class World:
    """What has really happened, as an onlooker sees it."""

    now: float = 0.0
    stages: tuple[str, ...] = ()
    rehearsed: bool = False
    frozen: bool = False
    switched: bool = False
    # Whether an unfreeze is under way, has begun, has to be run once more, and ran to its end.
    unfreezing: bool = False
    unfreeze_began: bool = False
    again: bool = False
    unfrozen: bool = False
    not_ready: bool = False
    valid_until: float = -1.0
    late_at: float | None = None
    gives_up_at: float | None = None
    stopped: bool = False
    stopping: bool = False
    # Who may still take it over.
    others: frozenset[str] = frozenset({"run", "watch"})

    @property
    def key(self) -> object:
        limits = (self.valid_until, self.late_at, self.gives_up_at)
        left = tuple([None if limit is None else limit > self.now for limit in limits])
        order = tuple(sorted(range(3), key=[limit or 0.0 for limit in limits].__getitem__))
        return happened(self), left, order


# All but the times.
happened = attrgetter(*(name for name in World.__annotations__ if name not in TIMES))


State = tuple[Journal, World]


def key(state: State) -> object:
    journal, world = state
    evidence, now = journal.evidence, world.now
    return (
        journal.owner,
        journal.rehearsal,
        tuple([(entry.name, entry.state, entry.ended is None, entry.by) for entry in journal.entries]),
        None if journal.deadline is None else journal.deadline > now,
        evidence and (evidence.used, evidence.valid_until > now),
        bool(journal.failure),
        # Only how long it rests depends on how many there were.
        min(journal.attempts, 2),
        *(journal.again, journal.outcome, journal.unfrozen_by, journal.stopped, journal.failed_in),
        world.key,
    )


def events(journal: Journal, world: World) -> Iterator[Event]:
    """Everything that may be reported, also in a situation in which it should not."""
    now = world.now
    yield from (Enter(now, stage) for stage in dict.fromkeys(journal.plan.stages))
    for gate in ("approach", "final", "recheck"):
        yield GateEnded(now, gate, True, "", now + VALID_FOR)
        yield GateEnded(now, gate, False, "Delay 9 s.")
    # Only who was told to stop the jobs can say how that ended, perhaps late.
    if "stop" in world.stages:
        yield Stopped(now, journal.plan.jobs)
        yield Stopped(now, journal.plan.jobs[:1], "b: the service is still busy.")
    yield from (Completed(now), Failed(now, "A task failed."), Unrenewed(now, 20.0, acting=True))
    for acting in (False, True):
        yield from (RunDied(now, acting), TimeUp(now, acting))
    if journal.rehearsal is None:
        yield from (Rehearsed(now, ""), Rehearsed(now, "No route."))
    # Only who unfreezes can say how that ended.
    if world.unfreezing:
        yield from (Unfrozen(now), Unfrozen(now, again=True), UnfreezeFailed(now, "No route."))


def observed(world: World, before: Journal, event: Event, move: Move) -> World:
    """Check what an event led to, and note it."""
    told = move.next
    if isinstance(event, Rehearsed):
        return replace(world, rehearsed=world.rehearsed or not event.reason)
    if isinstance(event, Enter) and told is Next.GO_ON:
        return entered(world, before, event)
    if isinstance(event, GateEnded):
        if told is Next.GO_ON:
            assert event.ready
            assert not world.unfreeze_began
            assert not world.switched
            return replace(world, valid_until=event.valid_until or -1.0)
        if not event.ready and not world.switched and move.journal.failure:
            return replace(world, not_ready=True, valid_until=-1.0)
        return world
    if isinstance(event, Stopped):
        if told is Next.GO_ON:
            assert world.stopping
            assert not event.reason
            return replace(world, stopped=True, stopping=False)
        badly = world.stopping and bool(event.reason) and move.journal.failed_in == "stop"
        return replace(world, not_ready=True, stopping=False) if badly else world
    if told is Next.UNFREEZE:
        acting = getattr(event, "acting", False) and bool(world.stages) and world.stages[-1] == "freeze"
        return unfreezes(world, again=acting)
    if isinstance(event, Unfrozen):
        if world.again or event.again:
            assert (told, move.journal.outcome) == (Next.WAIT, None), (
                "freeze tasks that may have acted are undone again"
            )
            return replace(world, unfreezing=False, again=False)
        assert move.journal.outcome is Outcome.UNFROZEN
        return replace(world, unfreezing=False, unfrozen=True, frozen=False)
    if isinstance(event, UnfreezeFailed):
        assert told in (Next.WAIT, Next.ENDED)
        return replace(world, unfreezing=False)
    return world


def entered(world: World, journal: Journal, event: Enter) -> World:
    stage = event.stage
    assert not world.unfreeze_began, "nothing begins after the unfreeze has begun"
    assert not world.switched or stage == "stop", "only the stop of the jobs begins after the switch has begun"
    assert world.late_at is None or event.at < world.late_at or world.switched, "nothing begins after max_outage"
    if stage in USER_TASKS:
        assert not world.not_ready, f"user tasks run after a gate that is not ready: {stage}"
    if stage in ("freeze", "stop", "switch") and not world.stopped and not world.switched:
        assert event.at < world.valid_until, f"{stage} on no evidence that is still valid"
    if stage in ("stop", "switch", "verify"):
        assert "final" in world.stages
    if stage in ("confirm_freeze", "freeze"):
        needed = journal.plan.unfreeze_tasks and not world.frozen
        assert world.rehearsed or not needed, "nothing is frozen that nobody has shown to be able to unfreeze"
    world = replace(world, stages=(*world.stages, stage))
    if stage in ("final", "verify", "confirm_freeze", "confirm_switch"):
        # What was seen before the freeze, or before work of unknown length, counts for nothing.
        world = replace(world, valid_until=-1.0)
    if stage == "freeze":
        late_at = event.at + MAX_OUTAGE if world.late_at is None else world.late_at
        world = replace(world, frozen=True, late_at=late_at)
    if stage == "stop":
        world = replace(world, stopping=True)
    return replace(world, switched=world.switched or stage == "switch")


def unfreezes(world: World, *, again: bool = False) -> World:
    assert world.frozen, "only what is frozen is unfrozen"
    assert not world.switched, "nothing is undone after the switch began"
    assert not world.unfrozen, "what was unfrozen is left alone"
    assert not world.unfreezing, "one unfreeze at a time"
    gives_up_at = world.gives_up_at if world.unfreeze_began else world.now + UNFREEZE_FOR
    return replace(world, unfreezing=True, unfreeze_began=True, again=world.again or again, gives_up_at=gives_up_at)


def checked(journal: Journal, world: World) -> None:
    """Check a state: how it ended is what happened, and no end leaves a frozen source without a word."""
    outcome = journal.outcome
    assert journal.switching == world.switched, "the journal says whether the switch has begun"
    assert not (world.switched and world.unfreeze_began), "one of switch and unfreeze"
    if outcome is Outcome.DONE or outcome is Outcome.SWITCH_FAILED:
        assert world.switched
    if outcome is Outcome.UNFROZEN:
        assert world.unfrozen
    if outcome is Outcome.FROZEN:
        assert world.frozen
        assert not world.switched
        assert world.unfreeze_began or not journal.plan.unfreeze_tasks
        assert journal.failure
    if outcome is Outcome.NOT_BEGUN:
        assert not world.frozen
        assert not world.switched
    if world.frozen and not world.switched:
        # Somebody can still end it: its guard when the time is up, and anybody who takes over.
        move = take_over(journal, WATCH, world.now, acting=False)
        assert move.next is (Next.UNFREEZE if journal.plan.unfreeze_tasks else Next.ENDED)
        assert move.journal.again >= journal.again
        if outcome is None and not world.unfreeze_began:
            late = advance(journal, TimeUp((world.late_at or 0.0) + 1.0))
            assert late.next is move.next
        elif outcome is None and not world.unfreezing:
            assert unfreeze_again(journal, world.now).next is Next.UNFREEZE
    if outcome is not None:
        for event in (RunDied(world.now), TimeUp(world.now), Unrenewed(world.now, 99.0), Failed(world.now, "late")):
            assert advance(journal, event).journal == journal, "an end is an end"


def successors(state: State) -> Iterator[tuple[Event | str, State]]:
    journal, world = state
    for event in events(journal, world):
        move = advance(journal, event)
        if move.next in (Next.SAMPLE, Next.REFUSED) and not isinstance(event, (GateEnded, Stopped)):
            assert move.journal == journal, "what is refused changes nothing"
        yield event, (move.journal, observed(world, journal, event, move))
    if world.unfreeze_began and not world.unfreezing:
        move = unfreeze_again(journal, world.now)
        yield "again", (move.journal, unfreezes(world) if move.next is Next.UNFREEZE else world)
    for limit in (world.valid_until, world.late_at, world.gives_up_at):
        if limit is not None and limit > world.now:
            yield "time passes", (journal, replace(world, now=limit))
    yield from takeovers(journal, world)


def takeovers(journal: Journal, world: World) -> Iterator[tuple[str, State]]:
    """Let the owner be lost, and somebody else look at the journal."""
    if "run" in world.others:
        for lives in (True, False):
            move = begin(journal, journal.plan, OTHER, world.now, owner_lives=lives)
            assert move.next is not Next.UNFREEZE
            if move.next is not Next.GO_ON:
                assert move.journal == journal
                continue
            assert not (lives and journal.outcome is None)
            assert not world.switched
            # A new history, but the source is as the earlier one left it.
            late_at = world.now + MAX_OUTAGE if world.frozen else None
            others = world.others - {"run"}
            yield "another run", (move.journal, World(world.now, frozen=world.frozen, late_at=late_at, others=others))
    if "watch" in world.others:
        for acting in (False, True):
            move = take_over(journal, WATCH, world.now, acting=acting)
            if move.next is Next.UNFREEZE:
                begun = replace(world, unfreezing=False, unfreeze_began=False, others=world.others - {"watch"})
                frozen_last = (journal.failed_in or journal.stage) == "freeze"
                yield "a watch", (move.journal, unfreezes(begun, again=acting and frozen_last))
            elif move.journal != journal:
                assert move.journal.outcome is Outcome.FROZEN
                yield "a watch", (move.journal, replace(world, others=world.others - {"watch"}))


def search(start: State, limit: int) -> Counter[str]:
    """Visit every state that can be reached; say the shortest way to one that is wrong."""
    came: dict[object, tuple[object, Event | str] | None] = {key(start): None}
    waiting, seen = deque([(key(start), start)]), Counter[str]()
    while waiting:
        here, state = waiting.popleft()
        seen[state[0].outcome.value if state[0].outcome else "under way"] += 1
        try:
            checked(*state)
            for how, after in successors(state):
                if after[0] is state[0] and after[1] is state[1]:
                    continue
                there = key(after)
                if there not in came:
                    came[there] = (here, how)
                    waiting.append((there, after))
        except AssertionError as error:
            pytest.fail(f"{error}\nafter\n" + "\n".join(way(came, here)) + f"\n{state[0]}\n{state[1]}")
        assert len(came) <= limit, "more states than expected"
    return seen


def way(came: dict[object, tuple[object, Event | str] | None], here: object) -> list[str]:
    steps: list[str] = []
    while (step := came[here]) is not None:
        here = step[0]
        steps.append(f"{step[1]}")
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
    seen = search((Journal(plan(stages, unfreeze), RUN), World()), limit=400_000)
    ends = {"done", "switch_failed", "not_begun", "frozen", "under way"} | ({"unfrozen"} if unfreeze else set())
    assert set(seen) == ends
    # The search really went somewhere.
    assert sum(seen.values()) > 500


@given(data=st.data())
def test_a_long_history_keeps_the_promise(data: st.DataObject) -> None:
    """Beyond the search: any stages that a plan can have, and times beside the limits."""
    asks, verifies = data.draw(st.booleans()), data.draw(st.booleans())
    stop = data.draw(st.sampled_from(["never", "before", "after"]))
    stages = [
        *("approach", *["confirm_freeze"][:asks], "freeze", "final", *["verify"][:verifies]),
        *(*["confirm_switch"][:asks], *["stop"][: stop == "before"], "switch", *["stop"][: stop == "after"]),
    ]
    state: State = (Journal(plan(tuple(stages), data.draw(st.sampled_from(["unfreeze.yml", ""]))), RUN), World())
    for _step in range(data.draw(st.integers(1, 60))):
        later = replace(state[1], now=state[1].now + data.draw(st.sampled_from([0.0, 0.0, 0.5, 1.0, 30.0, 61.0])))
        ways = list(successors((state[0], later)))
        # What goes on is tried more often than what is refused, so that histories are long.
        on = [way for way in ways if way[1][0] != state[0]]
        chosen = on if on and data.draw(st.integers(0, 3)) else ways
        state = data.draw(st.sampled_from(chosen))[1]
        checked(*state)


def test_every_stage_that_counts_as_frozen_comes_after_the_freeze() -> None:
    frozen = [stage.frozen for stage in STAGES.values()]
    assert frozen == sorted(frozen)
    assert ALL[frozen.index(True)] == "freeze"
