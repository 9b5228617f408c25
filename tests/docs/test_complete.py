# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation names everything that there is, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.gate import Verdict
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal, Rule
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import Kind
from ansible_collections.cutover.drs.plugins.module_utils._service.options import ENVIRONMENT
from ansible_collections.cutover.drs.plugins.module_utils._wait.screen import WIDEST
from ansible_collections.cutover.drs.plugins.plugin_utils._cutover.play import _BLOCK_KEYWORDS, _PLAY_KEYWORDS
from ansible_collections.cutover.drs.plugins.plugin_utils._report.prometheus import _HELP
from ansible_collections.cutover.drs.tests.docs.blocks import CHECKOUT, GUIDES, PAGES

REPOSITORY = re.compile(
    r"https://(?:github\.com/cutover-drs/cutover\.drs/(?:blob|tree)|raw\.githubusercontent\.com/cutover-drs/cutover\.drs)/"
    r"(?:main/)?(?P<path>[^\s)>`#\"]*)"
)


def guide(name: str) -> str:
    """Return the text of a guide."""
    return (CHECKOUT / "docs" / "docsite" / "rst" / f"guide_{name}.rst").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("troubleshooting", [kind.value for kind in Kind]),
        ("troubleshooting", [verdict.value for verdict in Verdict]),
        ("troubleshooting", [rule.value for rule in Rule]),
        ("gating", [rule.value for rule in Rule]),
        ("gating", [goal.value for goal in Goal]),
        ("authentication", [*ENVIRONMENT, *(name for names in ENVIRONMENT.values() for name in names)]),
        ("monitoring", list(_HELP)),
    ],
)
def test_a_guide_names_all_of_them(page: str, names: list[str]) -> None:
    """Nothing of a closed list is left out."""
    text = guide(page)
    assert [name for name in names if f"``{name}``" not in text] == []


def test_the_table_of_the_live_lines_explains_every_word() -> None:
    """Also one that is new: the words are taken from the code that writes them."""
    source = (CHECKOUT / "plugins" / "module_utils" / "_wait" / "lines.py").read_text(encoding="utf-8")
    events = re.findall(r'"([A-Z]{3,})\b', source)
    fields = [name for text in re.findall(r'f"[^"]*"', source) for name in re.findall(r"\b([a-z_]+)=\{", text)]
    assert events
    assert fields
    text = guide("lines")
    shown = {*(f"``{event}``" for event in events), *(f"``{name}=" for name in fields)}
    assert [word for word in sorted(shown) if word not in text] == []


def test_the_runbook_names_every_option_that_can_refuse_a_cutover_before_anything_runs() -> None:
    """The list of what is checked first is what the code checks."""
    section = guide("runbook").partition("Before anything runs\n---")[2].partition("\n----")[0]
    checked = (
        *("jobs", "job_names", "switch_tasks", "freeze_tasks", "unfreeze_tasks", "without_unfreeze", "unfreeze_vars"),
        *("keep", "journal", "reports", "index", "go_on_after_failure", "lease", "max_outage", "confirm", "stop_jobs"),
        "compare",
    )
    assert [name for name in checked if f"``drs_cutover_{name}``" not in section] == []
    assert "sequences" in section


@pytest.mark.parametrize("page", ["docs/docsite/rst/guide_runbook.rst", "roles/drs_cutover/meta/argument_specs.yml"])
def test_what_the_unfreeze_tasks_may_depend_on_is_said_alike(page: str) -> None:
    """The keywords are those that the code hands over; handlers are no exception on one page only."""
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    keywords = ("environment", "module_defaults", "collections", *_PLAY_KEYWORDS, *_BLOCK_KEYWORDS)
    mark = "``{}``" if page.endswith(".rst") else "C({})"
    assert [keyword for keyword in keywords if mark.format(keyword) not in text] == []
    assert "handlers of the play" in text
    assert "role that their file is in" in " ".join(text.split())


def test_no_line_that_a_page_shows_is_wider_than_a_line_may_be() -> None:
    """An example is a line as it would be printed."""
    pages = [path.read_text(encoding="utf-8").splitlines() for path in (*PAGES, *GUIDES)]
    lines = [line.strip() for page in pages for line in page if re.match(r"\s*drs_(wait|stop) \d\d:", line)]
    assert len(lines) > 5
    assert [line for line in lines if len(line) > WIDEST] == []


def test_the_readme_names_every_verdict_and_rule() -> None:
    """The table of the front page is complete."""
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    assert [name.value for name in (*Verdict, *Rule) if f"`{name.value}`" not in text] == []


def test_the_readme_is_short() -> None:
    """Whoever looks for a tool decides within its first pages."""
    assert len((CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()) < 180


LINKING = [*PAGES, *GUIDES, CHECKOUT / "docs" / "docsite" / "site" / "rst" / "index.rst"]


@pytest.mark.parametrize("path", LINKING, ids=lambda path: path.name)
def test_links_into_the_repository_lead_to_files(path: Path) -> None:
    """What a page links to in this repository is here."""
    text = path.read_text(encoding="utf-8")
    targets = {found["path"].rstrip(".,;") for found in REPOSITORY.finditer(text)}
    assert [target for target in sorted(targets) if not (CHECKOUT / target).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_are_absolute(path: Path) -> None:
    """Galaxy shows the page elsewhere, where a relative link leads nowhere."""
    targets = re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not target.startswith("https://")] == []


def test_the_first_mention_says_which_drs() -> None:
    """DRS is also a product of VMware and one of AWS."""
    for path in (CHECKOUT / "README.md", *GUIDES):
        text = re.sub(r"``[^`]*``", "", path.read_text(encoding="utf-8"))
        first = re.search(r"\bDRS\b", text)
        assert first is None or text[: first.start()].endswith("Data Replication Service ("), path.name
