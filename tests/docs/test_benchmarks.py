# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of benchmarks says of each target whether it was met."""

from __future__ import annotations

import re
import sys

import pytest

from ansible_collections.cutover.drs.tests.docs.blocks import CHECKOUT

sys.path[:0] = [str(CHECKOUT / "tests" / "tools"), str(CHECKOUT / "tests" / "bench")]

import page  # noqa: E402


@pytest.mark.parametrize(
    ("limit", "measured", "result"),
    [
        ("at most 1.2", "1.2", "met"),
        ("at most 1.2", "1.05 at 20 ms, 1.28 at 0 ms", "**missed**"),
        ("at least 50", "60 for 1, 59 for 1000", "met"),
        ("at least 50", "60 for 1, 42 for 100", "**missed**"),
        ("at most 2 KiB", "2.4 KiB", "**missed**"),
    ],
)
def test_a_target_is_met_by_all_values_or_missed(limit: str, measured: str, result: str) -> None:
    assert page.verdict(("what", limit, measured, "")) == result


def test_the_page_is_honest_about_its_targets() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    table = text[text.index("Targets\n") : text.index("Reading\n")]
    rows = [re.split(r" {2,}", line) for line in table.splitlines() if re.search(r"  at (most|least) ", line)]
    assert len(rows) >= 6
    for what, limit, measured, result in rows:
        assert page.verdict((what, limit, measured, "")) == result
