# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes no sense is refused before anything runs, in the words of the variable that was set."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.cutover.drs.plugins.module_utils._gate import rules
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_RANGES
from ansible_collections.cutover.drs.plugins.plugin_utils._cutover.options import (
    OPTIONS,
    RANGES,
    Options,
    read,
    read_watching,
)


class AsGiven:
    """A templar that takes every value as plain text."""

    def template(self, value: Any) -> Any:
        return value


def reading(folder: Path, *, defaults: dict[str, Any] | None = None, **variables: Any) -> Options:
    """Read the options of a cutover with all task files."""
    files = {f"drs_cutover_{name}_tasks": f"tasks/{name}.yml" for name in ("freeze", "verify", "switch", "unfreeze")}
    given = {"playbook_dir": str(folder), "drs_cutover_jobs": ["a"], **files, **variables}
    return read(given, AsGiven(), defaults or {}, can_ask=True, ids_of=lambda _values: ["a"])


def refusal(folder: Path, **variables: Any) -> str:
    with pytest.raises((DrsError, AnsibleError)) as raised:
        reading(folder, **variables)
    return str(raised.value)


NUMBERS = {name for name, spec in OPTIONS.items() if spec["type"] in ("int", "float")}
RANGED = {*rules.RANGES, *CONNECTION_RANGES, *RANGES}
NOT_NEGATIVE = "must be a number that is not negative, not"
NEVER = "so the gate could never open."
TOO_LATE = "so the guard would unfreeze before the final gate could open."
TOO_LONG = "Shorten the one, or lengthen the other."


def test_every_number_has_a_range() -> None:
    assert sorted(NUMBERS - RANGED) == []


@pytest.mark.parametrize("option", sorted(NUMBERS))
def test_no_number_may_be_negative_or_not_a_number(tmp_path: Path, option: str) -> None:
    for value in (-1, float("nan")) if OPTIONS[option]["type"] == "float" else (-1,):
        said = refusal(tmp_path, **{f"drs_cutover_{option}": value})
        assert said.startswith(f"drs_cutover_{option} must be "), said
        assert f"not {value:g}" in said.replace("-1.0", "-1"), said


@pytest.mark.parametrize("option", sorted(name for name in NUMBERS if OPTIONS[name]["type"] == "float"))
def test_no_time_may_be_longer_than_a_clock_can_show(tmp_path: Path, option: str) -> None:
    assert refusal(tmp_path, **{f"drs_cutover_{option}": 1e10}).startswith(f"drs_cutover_{option} must be ")


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("stop_timeout", 0, "must be at least 1, not 0.0."),
        ("final_timeout", 0, "must be more than 0, not 0."),
        ("timeout", 0, "must be more than 0, not 0."),
        ("approach_timeout", -5, f"{NOT_NEGATIVE} -5.0."),
        ("max_delay", -1, f"{NOT_NEGATIVE} -1."),
        ("final_interval", 0, "must be at least 0.01, not 0.0."),
        ("max_outage", 0, "must be more than 0, not 0."),
        ("compare_timeout", 0, "must be more than 0, not 0."),
        ("confirm_timeout", 0, "must be more than 0, not 0."),
        ("unfreeze_timeout", 0, "must be more than 0, not 0."),
        ("lease", 2.5, "must be at least 3, not 2.5."),
        ("valid_for", 0, "must be more than 0, not 0."),
        ("watch_timeout", 0, "must be more than 0, not 0."),
        ("recover_wait", -1, f"{NOT_NEGATIVE} -1.0."),
        ("stable_samples", 0, "must be at least 1, not 0."),
        ("batch_size", 101, "must be from 1 to 100, not 101."),
        ("request_timeout", 0, "must be from 0.1 to 600, not 0.0."),
    ],
)
def test_the_variable_that_was_set_is_named(tmp_path: Path, option: str, value: float, said: str) -> None:
    assert refusal(tmp_path, **{f"drs_cutover_{option}": value}) == f"drs_cutover_{option} {said}"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"stable_for": 90, "final_timeout": 60},
            f"drs_cutover_stable_for (90 s) is longer than drs_cutover_final_timeout (60 s), {NEVER} ",
        ),
        (
            {"stable_for": 700},
            f"drs_cutover_stable_for (700 s) is longer than drs_cutover_final_timeout (600 s), {NEVER} ",
        ),
        (
            {"stable_for": 90, "timeout": 80},
            f"drs_cutover_stable_for (90 s) is longer than drs_cutover_timeout (80 s), {NEVER} ",
        ),
        (
            {"stable_for": 90, "approach_timeout": 30},
            f"drs_cutover_stable_for (90 s) is longer than drs_cutover_approach_timeout (30 s), {NEVER} ",
        ),
        (
            {"require_quiet": True, "quiet_for": 700},
            f"drs_cutover_quiet_for (700 s) is longer than drs_cutover_final_timeout (600 s), {NEVER} ",
        ),
        (
            {"max_outage": 60},
            f"drs_cutover_stable_for (60 s) leaves no time before drs_cutover_max_outage (60 s), {TOO_LATE} ",
        ),
        (
            {"require_quiet": True, "quiet_for": 100, "max_outage": 90},
            f"drs_cutover_quiet_for (100 s) leaves no time before drs_cutover_max_outage (90 s), {TOO_LATE} ",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_pair_that_cannot_work_is_refused(tmp_path: Path, variables: dict[str, Any], said: str) -> None:
    assert refusal(tmp_path, **{f"drs_cutover_{name}": value for name, value in variables.items()}) == said + TOO_LONG


@pytest.mark.parametrize(
    ("interval", "option", "longest"),
    [(30, "final_timeout", 600), (5, "max_outage", 90)],
    ids=["the gate", "the outage"],
)
def test_samples_that_take_longer_than_their_time_are_refused(
    tmp_path: Path, interval: int, option: str, longest: int
) -> None:
    given = {"stable_samples": 100, "final_interval": interval, option: longest}
    assert refusal(tmp_path, **{f"drs_cutover_{name}": value for name, value in given.items()}) == (
        f"drs_cutover_stable_samples (100) samples, drs_cutover_final_interval ({interval} s) apart, take longer than "
        f"drs_cutover_{option} ({longest} s), so the gate could never open."
    )


@pytest.mark.parametrize(
    "variables",
    [
        {"approach_timeout": 0},
        {"stable_for": 60, "final_timeout": 60, "approach_timeout": 60},
        {"goal": "full_complete", "stable_for": 900, "max_outage": 60},
        {"quiet_for": 9000},
        {"unfreeze_for": 0, "recover_wait": 0, "max_delay": 10, "approach_max_delay": 0},
    ],
    ids=str,
)
def test_what_can_work_is_not_refused(tmp_path: Path, variables: dict[str, Any]) -> None:
    options = reading(tmp_path, **{f"drs_cutover_{name}": value for name, value in variables.items()})
    assert options.jobs == ("a",)


def test_what_a_play_or_another_role_set_is_named_as_it_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refusal(tmp_path, drs_wait_batch_size=0) == "drs_wait_batch_size must be from 1 to 100, not 0."
    assert refusal(tmp_path, defaults={"parallel": 65}) == "parallel must be from 1 to 64, not 65."
    # The role's own variable counts before the others.
    said = refusal(tmp_path, defaults={"parallel": 65}, drs_wait_parallel=3, drs_cutover_parallel=0)
    assert said == "drs_cutover_parallel must be from 1 to 64, not 0."
    monkeypatch.setenv("DRS_CUTOVER_UNWATCHED", "perhaps")
    assert refusal(tmp_path) == "DRS_CUTOVER_UNWATCHED must be true or false, not 'perhaps'."


@pytest.mark.parametrize(
    ("jobs", "said"),
    [
        ({"drs_cutover_jobs": ["a", ""]}, "drs_cutover_jobs: entry 2 is empty. Give the id of a DRS job."),
        ({"drs_cutover_jobs": None, "drs_wait_jobs": ["a b"]}, "drs_wait_jobs: entry 1 ('a b') contains a space"),
        ({"drs_cutover_job_names": ["x"]}, "drs_cutover_jobs and drs_cutover_job_names are both set. Set only one."),
    ],
    ids=str,
)
def test_jobs_that_cannot_be_meant_are_named_by_their_variable(tmp_path: Path, jobs: dict[str, Any], said: str) -> None:
    assert refusal(tmp_path, **jobs).startswith(said)


@pytest.mark.parametrize(("one", "other"), [*itertools.permutations(["freeze", "verify", "switch", "unfreeze"], 2)])
def test_no_two_stages_have_the_same_file(tmp_path: Path, one: str, other: str) -> None:
    files = {one: "same.yml", other: f"{tmp_path}/./same.yml"}
    said = refusal(tmp_path, **{f"drs_cutover_{name}_tasks": path for name, path in files.items()})
    assert said.endswith(f" are the same file, {tmp_path}/same.yml. Give each a file of its own."), said
    assert f"drs_cutover_{one}_tasks" in said
    assert f"drs_cutover_{other}_tasks" in said


def test_a_file_by_another_name_is_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "freeze.yml").symlink_to("switch.yml")
    assert "drs_cutover_freeze_tasks and drs_cutover_switch_tasks are the same file" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        (
            {"reports": ["/r/state.json"], "journal": "/r/state.json"},
            "drs_cutover_reports (/r/state.json) and drs_cutover_journal",
        ),
        ({"record": "/r/state.json", "journal": "/r/state.json"}, "drs_cutover_journal and drs_cutover_record"),
        ({"hold_file": "/r/state.json", "journal": "/r/state.json"}, "drs_cutover_journal and drs_cutover_hold_file"),
        ({"record": "/r/a.json", "reports": ["/r/a.json"]}, "drs_cutover_reports (/r/a.json) and drs_cutover_record"),
        (
            {"record": "/r/freeze.yml", "freeze_tasks": "/r/freeze.yml"},
            "drs_cutover_freeze_tasks and drs_cutover_record",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_nothing_is_written_over_what_is_read(tmp_path: Path, variables: dict[str, Any], said: str) -> None:
    found = refusal(tmp_path, **{f"drs_cutover_{name}": value for name, value in variables.items()})
    assert found.startswith(f"{said} are the same file, "), found


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"recover_wait": -1}, f"drs_cutover_recover_wait {NOT_NEGATIVE} -1.0."),
        ({"watch_timeout": 0}, "drs_cutover_watch_timeout must be more than 0, not 0."),
        ({"unfreeze_timeout": 0}, "drs_cutover_unfreeze_timeout must be more than 0, not 0."),
    ],
    ids=str,
)
def test_a_watch_and_recover_check_the_same_ranges(tmp_path: Path, variables: dict[str, Any], said: str) -> None:
    given = {"playbook_dir": str(tmp_path), "drs_cutover_jobs": ["a"]}
    given.update({f"drs_cutover_{name}": value for name, value in variables.items()})
    with pytest.raises(DrsError) as raised:
        read_watching(given, AsGiven(), {}, ids_of=lambda _values: [])
    assert str(raised.value) == said
