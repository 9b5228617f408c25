# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal as JSON: read as it was written, and nothing else is a journal."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._cutover import journal_json
from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import (
    Entry,
    Evidence,
    Journal,
    Outcome,
    Owner,
    Plan,
    Process,
    Role,
)
from ansible_collections.cutover.drs.plugins.module_utils._cutover.stages import STAGES, UNFREEZE
from ansible_collections.cutover.drs.tests.unit.cutover.builders import LEASE, RUN, a_cutover

TIMES = st.floats(0, 4e9, allow_nan=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
ROLES = st.sampled_from(Role)
NUMBERS = st.integers(1, 1 << 22)
OWNERS = st.builds(Owner, ROLES, TEXTS, TEXTS, TEXTS, TEXTS, NUMBERS, st.builds(Process, NUMBERS, TEXTS, TEXTS))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(TEXTS, some, max_size=3),
    max_leaves=5,
)
JOURNALS = st.builds(
    Journal,
    plan=st.builds(
        Plan,
        stages=st.lists(st.sampled_from(list(STAGES)), unique=True).map(tuple),
        **dict.fromkeys(("max_outage", "lease", "unfreeze_for"), TIMES),
    ),
    owner=st.none() | OWNERS,
    rehearsal=st.none() | TEXTS,
    keep=st.dictionaries(TEXTS, JSON, max_size=3),
    entries=st.lists(
        st.builds(
            Entry,
            name=st.sampled_from([*STAGES, UNFREEZE]),
            state=st.sampled_from(["running", "ok", "failed"]),
            began=TIMES,
            ended=st.none() | TIMES,
            by=ROLES,
        ),
        min_size=1,
        max_size=4,
    ).map(tuple),
    frozen_since=st.none() | TIMES,
    deadline=st.none() | TIMES,
    evidence=st.none() | st.builds(Evidence, gate=TEXTS, valid_until=TIMES, used=st.booleans()),
    failed_in=TEXTS,
    failure=TEXTS,
    unfreeze_failure=TEXTS,
    attempts=st.integers(0, 9),
    again=st.booleans(),
    outcome=st.none() | st.sampled_from(Outcome),
    unfrozen_by=st.none() | ROLES,
    stopped=st.lists(TEXTS, max_size=3).map(tuple),
    sample=st.none()
    | st.fixed_dictionaries(
        {
            "gate": TEXTS,
            "reason": TEXTS,
            "at": TIMES,
            "ready": st.booleans(),
            "jobs": st.lists(
                st.fixed_dictionaries(
                    {
                        "id": TEXTS,
                        "name": st.none() | TEXTS,
                        "delay": st.none() | st.integers(0, 9),
                        "position": st.none() | TEXTS,
                    }
                ),
                max_size=2,
            ),
        }
    ),
)


@given(JOURNALS, TIMES)
def test_a_journal_is_read_as_it_was_written(journal: Journal, at: float) -> None:
    assert journal_json.decode(json.loads(json.dumps(journal_json.encode(journal, at)))) == journal


def test_what_is_read_of_a_journal_has_begun_its_unfreeze_or_not() -> None:
    cutover = a_cutover("final")
    states = []
    for _look in range(2):
        read = journal_json.decode(json.loads(json.dumps(journal_json.encode(cutover.journal, 0.0))))
        states.append(read is not None and read.unfreezing)
        cutover.failed()
    assert states == [False, True]


@pytest.mark.parametrize(("earlier", "inherited"), [(1.0, True), (0.0, False)])
def test_a_freeze_counts_as_an_earlier_runs_only_if_it_began_before_all_stages(earlier: float, inherited: bool) -> None:
    journal = replace(a_cutover().journal, entries=(Entry("freeze", "running", 100.0, Role.RUN),))
    assert replace(journal, frozen_since=100.0 - earlier).inherited is inherited


def test_the_file_says_for_people_how_far_it_came() -> None:
    cutover = a_cutover("final")
    assert {
        name: journal_json.encode(cutover.journal, 0.0)[name]
        for name in ("schema", "stage", "at", "jobs", "lease", "outcome")
    } == {
        "schema": 4,
        "stage": "final",
        "at": "1970-01-01T00:16:44Z",
        "jobs": ["a", "b"],
        "lease": LEASE,
        "outcome": None,
    }
    cutover.failed()
    assert journal_json.encode(cutover.journal, 0.0)["stage"] == "unfreeze"
    cutover.unfrozen()
    written = journal_json.encode(cutover.journal, 0.0)
    assert (written["stage"], written["outcome"], written["unfrozen_by"]) == ("unfrozen", "unfrozen", "guard")
    done = a_cutover("switch")
    done.completed()
    assert journal_json.encode(done.journal, 0.0)["stage"] == "done"


def test_before_anything_happened_it_has_the_time_that_it_is_written() -> None:
    written = journal_json.encode(a_cutover().journal, 1000.0)
    assert (written["stage"], written["at"], written["owner"]["token"]) == ("begin", "1970-01-01T00:16:40Z", RUN.token)


def whole() -> dict[str, Any]:
    cutover = a_cutover("final")
    cutover.judged("final")
    return journal_json.encode(cutover.journal, 1000.0)


def changed(name: str, value: object) -> str:
    """The text of a whole journal in which one value, told by its path, is another one."""
    journal: Any = json.loads(json.dumps(whole()))
    *above, last = name.split(".")
    inner = journal
    for part in above:
        inner = inner[int(part)] if part.isdigit() else inner[part]
    inner[last] = value
    return json.dumps(journal)


DAMAGED = {
    "null": "null",
    "a list": "[]",
    "a text": '"done"',
    "no object": "{}",
    "an older schema": changed("schema", 2),
    "no stages": changed("stages", None),
    "a stage that is not known": changed("stages.0.name", "thaw"),
    "a state that is not known": changed("stages.0.state", "perhaps"),
    "no beginning": changed("stages.0.began", None),
    "somebody not known": changed("stages.0.by", "nobody"),
    "no owner's process": changed("owner.pid", "ten"),
    "no guard": changed("owner.guard", None),
    "no guard's process": changed("owner.guard.pid", "ten"),
    "a role that is not known": changed("owner.role", "nobody"),
    "an owner that is none": changed("owner", "ann"),
    "an outcome that is not known": changed("outcome", "fine"),
    "an end that is not known": changed("unfrozen_by", "nobody"),
    "a plan that is none": changed("plan", []),
    "a plan with a stage that is not known": changed("plan.stages", ["thaw"]),
    "evidence that is none": changed("evidence", [1]),
    "evidence without a time": changed("evidence.valid_until", "tomorrow"),
    "evidence for ever": changed("evidence.valid_until", float("nan")),
    "a deadline that never comes": changed("deadline", float("nan")),
    "an outage without an end": changed("plan.max_outage", float("inf")),
    "a number that is too large": changed("frozen_since", 10**400),
    "a time in no year": changed("frozen_since", 1e300),
    "a time before there was any": changed("stages.0.began", -1e12),
    "attempts without an end": changed("attempts", float("inf")),
    "jobs that are one text": changed("plan.jobs", "abc"),
    "a lease without an end": changed("plan.lease", float("inf")),
    "a lease that is true": changed("plan.lease", True),
    "attempts without a last one": changed("plan.unfreeze_for", float("inf")),
    "stopped jobs that are one text": changed("stopped", "abc"),
    "kept values without names": changed("keep", [1]),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_no_journal(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        journal_json.decode(json.loads(text))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda some: st.lists(some) | st.dictionaries(st.sampled_from(sorted(whole())), some),
    )
)
def test_no_json_breaks_the_reading(value: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        journal_json.decode(value)


@given(st.data())
def test_no_other_value_in_a_journal_breaks_the_reading(data: st.DataObject) -> None:
    journal = whole()
    name = data.draw(st.sampled_from(sorted(journal)))
    journal[name] = data.draw(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none() | st.text())
    )
    with contextlib.suppress(ValueError):
        assert isinstance(journal_json.decode(journal), Journal)


def test_an_outage_has_a_length_once_it_has_ended() -> None:
    frozen, done, never = a_cutover("final"), a_cutover("switch"), a_cutover("approach")
    assert journal_json.outage(frozen.journal) is None
    done.completed()
    never.failed()
    since = done.journal.frozen_since
    assert since is not None
    assert journal_json.outage(done.journal) == done.at - since
    assert journal_json.outage(never.journal) is None
    frozen.failed()
    frozen.gives_up()
    assert journal_json.outage(frozen.journal) is None
