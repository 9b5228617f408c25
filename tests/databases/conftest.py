# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pairs of real databases for whole cutovers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from ansible_collections.cutover.drs.tests.databases import page
from ansible_collections.cutover.drs.tests.databases.engines import PAIRS, Pair
from ansible_collections.cutover.drs.tests.servers import MissingError


@pytest.fixture(scope="session", params=PAIRS)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Run source and target of an engine; skipped, with the reason, where they cannot be had."""
    if "DRS_PEER" not in os.environ:
        pytest.skip("community.mysql and community.postgresql are installed by: make verify AGAINST=databases")
    try:
        with PAIRS[request.param]() as running:
            yield running
    except MissingError as error:
        pytest.skip(f"no databases: {error}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what a long run is asked for."""
    parser.addoption("--runs", type=int, default=2, help="nights for each engine whose fault is drawn")
    parser.addoption("--first-seed", type=int, default=1, help="the seed of the first of them")
    parser.addoption("--page", action="store_true", help="write docs/verified/databases.md from these nights")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each night its seed."""
    if "seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("first_seed")
        metafunc.parametrize("seed", range(first, first + metafunc.config.getoption("runs")))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin without the results of an earlier run; of several processes the first does."""
    if not hasattr(session.config, "workerinput"):
        shutil.rmtree(page.RESULTS, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the page, once all processes have ended."""
    if session.config.getoption("page") and not hasattr(session.config, "workerinput") and (found := page.results()):
        page.write(found)
