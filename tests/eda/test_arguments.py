# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The arguments of a rulebook: taken in the types they have there, and refused with one sentence."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ansible_collections.cutover.drs.extensions.eda.plugin_utils._arguments import ARGUMENTS, Arguments
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.tests.unit.builders import A, B

TEMPLATES = "A template turns a string that looks like a value of another type into it"


def test_jobs_are_all_that_is_needed() -> None:
    arguments = Arguments.of({"jobs": [A]})
    assert (arguments.asked.ids, arguments.rules.goal, arguments.rules.interval) == ((A,), Goal.AUTO, 30)
    assert (arguments.always, arguments.progress_step, arguments.heartbeat) == (False, 10, 300)
    assert arguments.delay_thresholds == (0, 60, 600)
    assert arguments.options["batch_size"] == 100


def test_values_may_come_as_the_strings_and_numbers_of_templates() -> None:
    arguments = Arguments.of(
        {"job_ids": f"{A},{B}", "fail_fast": "no", "interval": "5", "delay_thresholds": ["60", 5, 60], "emit": "always"}
    )
    assert (arguments.asked.ids, arguments.rules.fail_fast, arguments.rules.interval) == ((A, B), False, 5)
    assert (arguments.delay_thresholds, arguments.always) == ((5, 60), True)


def test_names_may_be_given_instead_of_ids() -> None:
    arguments = Arguments.of({"job_names": ["orders", "invoices"]})
    assert (arguments.asked.ids, arguments.asked.names) == ((), ("orders", "invoices"))


def test_the_interval_is_the_only_pace() -> None:
    rules = Arguments.of({"jobs": [A], "interval": 900}).rules
    assert (rules.interval, rules.near_interval) == (900, 900)


def test_null_is_the_default() -> None:
    assert Arguments.of({"jobs": [A], "interval": None, "endpoint": None}).rules.interval == 30


def test_what_ansible_rulebook_adds_is_no_mistake() -> None:
    assert Arguments.of({"jobs": [A], "eda_feedback_queue": asyncio.Queue()}).asked.ids == (A,)


def test_a_job_given_twice_is_asked_for_once_and_told() -> None:
    arguments = Arguments.of({"jobs": [A, B, A]})
    assert arguments.asked.ids == (A, B)
    assert arguments.asked.warning == f"jobs names {A} more than once; each job is asked for once."


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({}, "No jobs specified. Set jobs (ids) or job_names (names as shown in the console)."),
        ({"jobs": []}, "jobs is empty. Give the id of at least one DRS job."),
        ({"jobs": ["a b"]}, "jobs: entry 1 ('a b') contains a space or a control character. Job ids have neither."),
        ({"jobs": {"id": A}}, f"jobs must be a list, not {{'id': '{A}'}}."),
        ({"jobs": [A], "goal": "done"}, "goal must be one of auto, full_complete, caught_up, stopped, not done."),
        ({"jobs": [A], "emit": "all"}, "emit must be one of changes, always, not all."),
        ({"jobs": [A], "interval": "soon"}, "interval must be a number, not 'soon'."),
        ({"jobs": [A], "interval": 0}, "interval must be at least 0.01, not 0.0."),
        ({"jobs": [A], "max_errors": 1.5}, "max_errors must be a whole number, not 1.5."),
        ({"jobs": [A], "max_delay": -1}, "max_delay must be a number that is not negative, not -1."),
        ({"jobs": [A], "fail_fast": "maybe"}, "fail_fast must be true or false, not 'maybe'."),
        ({"jobs": [A], "hold_file": 7}, "hold_file must be a path, not 7."),
        ({"jobs": [A], "progress_step": 0}, "progress_step must be from 1 to 100, not 0."),
        ({"jobs": [A], "progress_step": 101}, "progress_step must be from 1 to 100, not 101."),
        ({"jobs": [A], "delay_thresholds": [60, -1]}, "delay_thresholds must be seconds from 0, not -1."),
        ({"jobs": [A], "delay_thresholds": [60, "x"]}, "delay_thresholds: entry 2 must be a whole number, not 'x'."),
        ({"jobs": [A], "heartbeat": -1}, "heartbeat must be a number that is not negative, not -1.0."),
        ({"jobs": [A], "heartbeat": "inf"}, "heartbeat must be a number that is not negative, not inf."),
        ({"jobs": [A], "heartbeat": "nan"}, "heartbeat must be a number that is not negative, not nan."),
        ({"jobs": [A], "job_ids": [B]}, "jobs is given twice, by its own name and by another one."),
        ({"jobs": [1.5]}, f"jobs: entry 1 must be a string, not 1.5. {TEMPLATES}: quote it where it is written."),
    ],
)
def test_what_makes_no_sense_is_refused(args: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DrsError) as caught:
        Arguments.of(args)
    assert (str(caught.value), caught.value.kind) == (sentence, Kind.CONFIGURATION)


@pytest.mark.parametrize("name", ["timeout", "record", "near_interval", "no_such_thing"])
def test_an_argument_there_is_not_is_named_with_those_there_are(name: str) -> None:
    with pytest.raises(DrsError, match=f"^There is no argument {name}. There are: access_key, .*, validate_certs.$"):
        Arguments.of({"jobs": [A], name: 1})


def test_a_secret_is_shown_neither_in_a_refusal_nor_by_repr() -> None:
    # A password "12345.67" out of a variable reaches a source as a number.
    with pytest.raises(DrsError) as caught:
        Arguments.of({"jobs": [A], "password": 12345.67})
    advice = f"{TEMPLATES}: quote it where it is written, or set OS_PASSWORD or HW_USER_PASSWORD."
    assert str(caught.value) == f"password must be a string, not float. {advice}"
    assert "pw-secret" not in repr(Arguments.of({"jobs": [A], "password": "pw-secret"}))


def test_every_secret_of_the_connection_is_known_as_one() -> None:
    secret = {name for name, spec in ARGUMENTS.items() if spec.get("no_log")}
    assert secret == {"auth_token", "password", "access_key", "secret_key", "security_token", "proxy"}
