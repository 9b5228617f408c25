# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list that a role is given as a text, as AWX surveys and --extra-vars do."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._role_variables import as_list


@pytest.mark.parametrize(
    ("value", "entries"),
    [
        ("a", ["a"]),
        (" a, b ,,c", ["a", "b", "c"]),
        ('["a", "b, c"]', ["a", "b, c"]),
        (" []", []),
        # Not JSON after all: what checks the entries says what is wrong with them.
        ("[a, b", ["[a", "b"]),
        ("", []),
        (["a", "b"], ["a", "b"]),
        (None, None),
        (7, 7),
    ],
)
def test_a_text_is_the_list_that_it_stands_for(value: Any, entries: Any) -> None:
    assert as_list(value) == entries
