# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that decide: what is refused, in words a person can act on."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Rules
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind

NOT_NEGATIVE = ["max_delay", "stable_for", "timeout", "max_errors", "max_missing", "unknown_for", "valid_for"]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("stable_samples", 0, "stable_samples must be at least 1, not 0."),
        ("stable_samples", -1, "stable_samples must be at least 1, not -1."),
        ("interval", 0, "interval must be at least 0.01, not 0."),
        ("interval", -1.5, "interval must be at least 0.01, not -1.5."),
        ("near_interval", 0.0, "near_interval must be at least 0.01, not 0.0."),
        ("stall_after", 0.5, "stall_after must be at least 1, not 0.5."),
        ("interval", math.nan, "interval must be a number that is not negative, not nan."),
        ("near_interval", math.inf, "near_interval must be a number that is not negative, not inf."),
        *((name, -1, f"{name} must be a number that is not negative, not -1.") for name in NOT_NEGATIVE),
        ("timeout", math.nan, "timeout must be a number that is not negative, not nan."),
        ("timeout", math.inf, "timeout must be a number that is not negative, not inf."),
        ("stable_for", -math.inf, "stable_for must be a number that is not negative, not -inf."),
        ("valid_for", math.nan, "valid_for must be a number that is not negative, not nan."),
    ],
)
def test_a_rule_that_makes_no_sense_is_a_configuration_error(option: str, value: Any, message: str) -> None:
    with pytest.raises(DrsError) as raised:
        Rules(**{option: value})
    assert str(raised.value) == message
    assert raised.value.kind is Kind.CONFIGURATION
    assert raised.value.final


@pytest.mark.parametrize("option", ["max_delay", "stable_samples", "max_errors", "max_missing"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_whole_number_of_more_digits_than_a_float_holds_is_one_too(option: str, sign: int) -> None:
    with pytest.raises(DrsError, match=f"^{option} must be a number that is not negative, not -?inf\\.$"):
        Rules(**{option: sign * 10**400})


@pytest.mark.parametrize("option", NOT_NEGATIVE)
def test_zero_is_a_limit_like_any_other(option: str) -> None:
    assert Rules(**{option: 0}).as_dict()[option] == 0


TIMES = ["stable_for", "timeout", "interval", "near_interval", "stall_after", "valid_for"]


@pytest.mark.parametrize("option", TIMES)
def test_a_time_that_no_clock_can_sleep_or_show_is_a_configuration_error(option: str) -> None:
    assert Rules(**{option: 1e9}).as_dict()[option] == 1e9
    with pytest.raises(DrsError, match=f"^{option} must be at most 1000000000 seconds, not 1e\\+10.$"):
        Rules(**{option: 1e10})


def test_a_number_that_is_no_time_may_be_as_large_as_it_likes() -> None:
    assert Rules(max_delay=10**12).max_delay == 10**12


def test_the_defaults_are_those_of_the_design() -> None:
    assert Rules().as_dict() == {
        "goal": "auto",
        "max_delay": 0,
        "stable_samples": 3,
        "stable_for": 60,
        "timeout": 3600,
        "interval": 30,
        "near_interval": 5,
        "max_errors": 5,
        "max_missing": 3,
        "unknown_for": 1800,
        "fail_fast": True,
        "require_full_progress": False,
        "check_subtasks": True,
        "require_quiet": False,
        "quiet_for": 30,
        "hold_file": None,
        "stall_after": 1800,
        "valid_for": 60,
    }
