# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project has task files for the databases that the job really has, on both sides."""

from __future__ import annotations

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.engines import family


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        ("mysql", "mysql"),
        ("MySQL", "mysql"),
        ("mariadb", "mysql"),
        ("mysql-to-taurus", "mysql"),
        ("postgresql", "postgresql"),
        ("postgresql-to-postgresql", "postgresql"),
        # One side is something else, though its name contains a known one.
        ("oracle-to-mysql", "other"),
        ("mysql-to-postgresql", "other"),
        ("mysql-to-ddm", "other"),
        ("postgresql-to-gaussdbv5", "other"),
        ("gaussdbv5", "other"),
        ("no-mysql", "other"),
        ("mysql-to-", "other"),
        ("", "other"),
        (None, "other"),
    ],
)
def test_a_family_is_that_of_both_sides(engine: str | None, expected: str) -> None:
    assert family(engine).value == expected
