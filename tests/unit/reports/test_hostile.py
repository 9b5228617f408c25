# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of a hostile server do nothing in any format."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jinja2 import Environment
from markdown_it import MarkdownIt

from ansible_collections.cutover.drs.plugins.plugin_utils._report import html
from ansible_collections.cutover.drs.plugins.plugin_utils._report.pages import template
from ansible_collections.cutover.drs.plugins.plugin_utils._report.write import SUFFIXES, render
from ansible_collections.cutover.drs.tests.unit.reports import hostile
from ansible_collections.cutover.drs.tests.unit.reports.readers import junit, metrics, waited
from ansible_collections.cutover.drs.tests.unit.reports.results import cutover_result, with_facts


@pytest.mark.parametrize(
    ("name", "kind"),
    [*((name, kind) for name in [*hostile.TEXTS, "all"] for kind in ("wait", "cutover")), ("all", "replay")],
)
def test_hostile_text_does_nothing(name: str, kind: str) -> None:
    text = hostile.TEXTS.get(name, "")
    replay = {
        "file": "a",
        "recorded_at": None,
        "jobs_left_out": ["b"],
        "rules_changed": [{"rule": "", "recorded": "x"}],
    }
    plain = {"cutover": with_facts(cutover_result("unfrozen")), "wait": waited("failed", 4)}
    result = hostile.everywhere({**plain["wait"], "replay": replay} if kind == "replay" else plain[kind], text)
    title = text or " ".join(hostile.TEXTS.values())
    reports = {suffix: render(result, suffix, title) for suffix in SUFFIXES}

    for report in reports.values():
        report.encode("utf-8")
        unseen = {char for char in set(report) if not char.isprintable()} - {"\n", "\u200b", "\u202f"}
        assert not unseen
        assert "49}" not in report
    # One object again, with every text in it.
    assert json.loads(reports[".json"])["reason"] == result["reason"]
    assert reports[".json"].isascii()
    harmless_page(reports[".html"])
    harmless_markdown(reports[".md"])
    junit(reports[".xml"])
    shut = {"wait": ("drs_wait_ready",), "replay": ("drs_wait_ready", "true"), "cutover": ("drs_cutover_ready",)}
    assert metrics(reports[".prom"])[shut[kind]] == 0
    assert all(line.startswith(("# HELP drs_", "# TYPE drs_", "drs_")) for line in reports[".prom"].splitlines())


def harmless_page(page: str) -> None:
    tags = {name.lower() for name in re.findall(r"<(/?[a-zA-Z][^\s/>]*)", page)}
    structure = "html head meta title style body header main section footer div span details summary figure figcaption"
    texts = "h1 h2 h3 p i b wbr strong code dl dt dd ul ol li table caption thead tbody tr th td svg path rect desc"
    allowed = {*structure.split(), *texts.split()}
    assert {tag.lstrip("/") for tag in tags} - {"!doctype"} <= allowed
    # Outside of attributes' values and texts, which are escaped, a quote only ever ends an attribute.
    bare = re.sub(r'="[^"<>]*"', "", page[page.index("<body>") :])
    assert not re.search(r"<[^>]*[\"=][^>]*>", bare)
    assert page.count("<style>") == page.count("</style>") == 1


def harmless_markdown(summary: str) -> None:
    blocks = MarkdownIt("gfm-like").parse(summary)
    kinds = {token.type for token in blocks} | {child.type for token in blocks for child in token.children or ()}
    assert not kinds & {"link_open", "image", "html_block", "fence", "code_block", "em_open", "s_open", "hr"}
    html = {child.content for token in blocks for child in token.children or () if child.type == "html_inline"}
    assert html <= {"<br>"}
    assert sum(token.tag == "h1" for token in blocks if token.type == "heading_open") == 1
    rows = [line for line in summary.splitlines() if line.startswith("|")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) in (4, 5, 6, 7) for row in rows)


def test_the_template_escapes_and_finds_no_template_in_values() -> None:
    environment = template("overview.html.j2").environment
    assert isinstance(environment, Environment)
    assert environment.autoescape is True
    source = (Path(html.__file__).parent / "report.html.j2").read_text()
    assert not re.search(r"\|\s*safe|autoescape", source)
