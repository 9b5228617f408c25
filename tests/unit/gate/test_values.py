# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read and what was judged of thousands of jobs takes little memory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Rules, judge_job
from ansible_collections.cutover.drs.tests.unit.builders import reading

HELD = judge_job(reading(), Rules(), held=True)


@pytest.mark.parametrize("value", [HELD, HELD.reading, HELD.reading.status, HELD.reading.progress, HELD.holds[0]])
def test_what_comes_in_large_numbers_has_no_dictionary_of_its_own(value: Any) -> None:
    assert not hasattr(value, "__dict__")
