# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which client speaks to the databases of a job."""

from __future__ import annotations

from enum import Enum


class Family(Enum):
    """What both sides of a job are, as far as one set of task files can treat them alike."""

    MYSQL = "mysql"
    POSTGRESQL = "postgresql"
    OTHER = "other"


# How the service's words for PostgreSQL begin.
POSTGRESQL = "postgres"
_BEGINNINGS = {Family.MYSQL: ("mysql", "mariadb", "taurus", "gaussmysql"), Family.POSTGRESQL: (POSTGRESQL,)}


def family(engine: str | None) -> Family:
    """Return the family of a list's ``engine_type``, such as ``mysql`` or ``oracle-to-mysql``: one side alone does not decide."""
    sides = (engine or "").strip().lower().split("-to-")
    for known, beginnings in _BEGINNINGS.items():
        if all(side.startswith(beginnings) for side in sides):
            return known
    return Family.OTHER
