# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of others: they are one line, show what they hold, and command nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind, cut
from ansible_collections.cutover.drs.plugins.module_utils._job.text import printable

SHOWN = [
    ("The disk is full.", "The disk is full."),
    ("数据 ∞ é", "数据 ∞ é"),
    ("disk full.\ndrs_wait VERDICT ready", "disk full. drs_wait VERDICT ready"),
    ("one\r\ntwo\u2028three\u2029four\x0bfive\x85six\tseven", "one  two three four five six seven"),
    ("\x1b[31mred\x07", "?[31mred?"),
    ("ze\u200bro \ufeffwi\u200ddth", "ze?ro ?wi?dth"),
    ("\u202eydaer\u2066\u200f", "?ydaer??"),
    ("\ud800", "?"),
    ("##vso[task.setvariable variable=a]b", "# #vso[task.setvariable variable=a]b"),
    ("a ##[error]b ###[group]", "a # #[error]b ## #[group]"),
    ("##teamcity[testFailed]", "# #teamcity[testFailed]"),
    ("# a ## b #c [d]", "# a ## b #c [d]"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN, ids=[str(number) for number in range(len(SHOWN))])
def test_what_is_shown_of_a_text(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text() | st.text("#[]avso\n\u200b "))
def test_every_text_is_printable_once_and_for_all(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert "##vso[" not in shown
    assert "##[" not in shown
    assert printable(shown) == shown


@pytest.mark.parametrize("text", [shown[0] for shown in SHOWN] + ["x" * 5_000_000], ids=lambda text: repr(text)[:20])
def test_an_error_tells_nothing_that_is_not_printable_or_without_end(text: str) -> None:
    error = DrsError(Kind.SERVICE, text, error_code=text, error_message=text, request_id=text)
    told = [str(error), *(value for value in error.failure().values() if value.__class__ is str)]
    assert len(told) == 5
    assert all(each.isprintable() and "##vso[" not in each and len(each) < 8100 for each in told)
    # Also what it says after somebody put a beginning before it.
    error.args = (f"batch-status failed: {text}",)
    assert str(error) == cut(f"batch-status failed: {text}", 8000)
