# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers as the API sends them: mostly strings, sometimes not, and -1 for "no value"."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._job.records import percentage, seconds, timestamp

HUGE = "9" * 5000

# What no field may turn into a number.
NO_NUMBER: list[Any] = [
    *("", " ", "-1", "-0", "-0.0", "+5", " 5", "5 ", "5\n", "1e3", "0x10", "1_000", "1,000", ".5", "5.", "1.2.3"),
    *("NaN", "nan", "Infinity", "-Infinity", "None", "null", "\u0663", "\uff15", "\u00b2", HUGE, f"0.{HUGE}"),
    *(int(HUGE[:4000]), -1, -0.5, math.nan, math.inf, -math.inf, 1e15),
    *(None, True, False, [], [5], {}, {"value": 5}, b"5"),
]


@pytest.mark.parametrize("value", NO_NUMBER, ids=lambda value: repr(value)[:20])
def test_what_is_not_a_plain_number_of_zero_or_more_is_no_value(value: Any) -> None:
    assert seconds(value) is None
    assert percentage(value) is None
    assert timestamp(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        ("00", 0),
        ("5", 5),
        ("007", 7),
        (0, 0),
        (-0.0, 0),
        (5, 5),
        (5.0, 5),
        ("5.0", 5),
        # Up, so that a delay is never said to be less than it is.
        ("0.000000000000001", 1),
        # As a float this is 100.
        ("100.000000000000001", 101),
        ("1.5", 2),
        (1.5, 2),
        (5e-324, 1),
        ("999999999999999", 999999999999999),
        # The longest there is.
        ("999999999999998.000000000000001", 999999999999999),
        (999999999999999, 999999999999999),
    ],
)
def test_seconds_are_rounded_up(value: Any, expected: int) -> None:
    found = seconds(value)
    assert found == expected
    assert found.__class__ is int


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0),
        ("0%", 0),
        ("94%", 94),
        ("94", 94),
        (94, 94),
        ("100", 100),
        ("100%", 100),
        (100.0, 100),
        # Down, so that a phase is never said to be more done than it is.
        ("99.9", 99),
        ("99.999999999999999%", 99),
        ("100.000000000000001", None),
        (99.5, 99),
        ("100.1", None),
        ("101%", None),
        (101, None),
        ("94 %", None),
        ("94%%", None),
        ("%", None),
        ("%94", None),
        ("-1%", None),
        ("94％", None),
    ],
)
def test_percentages_are_rounded_down_and_never_over_100(value: Any, expected: int | None) -> None:
    found = percentage(value)
    assert found == expected
    assert found is None or found.__class__ is int


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1608274919000", "2020-12-18T07:01:59Z"),
        ("1594864576000", "2020-07-16T01:56:16Z"),
        (1608274919999, "2020-12-18T07:01:59Z"),
        ("1", "1970-01-01T00:00:00Z"),
        ("0", None),
        (0, None),
        (0.0, None),
        # The last millisecond of the year 9999, and the first that Python has no date for.
        ("253402300799999", "9999-12-31T23:59:59Z"),
        ("253402300800000", None),
        ("999999999999999", None),
    ],
)
def test_milliseconds_since_the_epoch_are_shown_in_utc(value: Any, expected: str | None) -> None:
    assert timestamp(value) == expected


@given(st.one_of(st.floats(), st.integers(), st.text(), st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,20})?%?")))
def test_a_number_is_never_negative_and_never_says_less_than_was_sent(value: Any) -> None:
    found = seconds(value)
    if found is not None:
        assert 0 <= Fraction(value) <= found < Fraction(value) + 1
    share = percentage(value)
    if share is not None:
        sent = Fraction(value.removesuffix("%") if isinstance(value, str) else value)
        assert 0 <= share <= sent <= 100
        assert sent < share + 1
