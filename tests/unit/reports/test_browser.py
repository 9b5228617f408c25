# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page in a real browser: it asks for nothing, says nothing, fits a phone, and can be read in both schemes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._report.write import render
from ansible_collections.cutover.drs.tests.unit.reports import browser, hostile
from ansible_collections.cutover.drs.tests.unit.reports.results import (
    configuration_result,
    cutover_result,
    wait_result,
    with_facts,
    without_stages,
)

pytestmark = pytest.mark.skipif(
    browser.COMMAND is None, reason="NOT LOOKED AT in a browser: no chromium here (apt-get install chromium)."
)

PAGES: dict[str, Any] = {
    "one job, ready": lambda: wait_result("ready", 1),
    "four jobs, time-out": lambda: wait_result("timeout", 4),
    "300 jobs, failed": lambda: wait_result("failed", 300),
    "no answer": lambda: wait_result("error", 4),
    "bad options": configuration_result,
    "cutover, done": lambda: with_facts(cutover_result("done", 15)),
    "cutover, switch failed": lambda: cutover_result("switch_failed"),
    "cutover, unfrozen": lambda: cutover_result("unfrozen"),
    "cutover, not begun": lambda: cutover_result("not_begun"),
    "cutover, done by an earlier run": lambda: without_stages()["done by an earlier run"],
    "hostile": lambda: hostile.everywhere(wait_result("failed", 4)),
    "hostile cutover": lambda: hostile.everywhere(with_facts(cutover_result("unfrozen"))),
}

# What make test looks at; .ci/run looks at every page.
QUICK = ("cutover, unfrozen", "hostile")


# One for each test: ansible-test runs each in a fork, which would leave behind what a module shares.
@pytest.fixture
def address() -> Iterator[str]:
    with browser.browser() as page:
        yield page


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.thorough) for name in PAGES]
)
def test_page_is_quiet_fits_and_can_be_read(name: str, address: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(PAGES[name](), ".html", "Orders <database>"), encoding="utf-8")
    for width, scheme in ((1280, "light"), (390, "dark"), (390, "light"), (1280, "dark")):
        quiet_fitting_and_readable(browser.look(address, file, width, scheme), file, width)


def quiet_fitting_and_readable(seen: browser.Seen, file: Path, width: int) -> None:
    assert seen.requests == [file.as_uri()]
    assert seen.said == []
    page = seen.page
    assert page["needed"] <= page["room"] <= width
    assert page["scripts"] == 0
    assert not {"script", "img", "iframe", "object", "link", "a", "form", "b1"} & set(page["elements"])
    assert not [attribute for attribute in page["attributes"] if attribute.startswith("on")]
    assert "Orders <database>" in page["heading"]
    assert all(role == "img" and all(texts) for role, texts in page["pictures"])
    assert len(page["ids"]) == len(set(page["ids"]))
    levels = page["headings"]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    faint = {
        (what, colour, ground, round(browser.ratio(colour, ground), 2))
        for what, colour, ground in page["contrast"]
        if browser.ratio(colour, ground) < 4.5
    }
    assert not faint


def test_a_page_that_is_not_quiet_is_noticed(address: str, tmp_path: Path) -> None:
    file = tmp_path / "loud.html"
    file.write_text(
        "<h1>x</h1><p style='width:9999px'><img src='https://192.0.2.1/x.png'><script>console.error(1)</script>"
    )
    seen = browser.look(address, file, 390, "light")
    assert "https://192.0.2.1/x.png" in seen.requests
    assert seen.said
    assert seen.page["needed"] > seen.page["room"]
    assert seen.page["scripts"] == 1
