# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of words finds what it should, also across the end of a line, and nothing else."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.cutover.drs.tests.docs import words
from ansible_collections.cutover.drs.tests.docs.blocks import CHECKOUT

RULES = yaml.safe_load(words.LIST.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Run again when it is mended.", [(1, "mended")]),
        ("three samples in a\n# row", [(1, "in a # row")]),
        ("first\nSo many polls", [(2, "So many")]),
        ("1 job of 2 not ready", [(1, "job of 2")]),
        ("def picture(key: str, high: int)", [(1, "high")]),
        ("at most 160 columns wide, and too high.", []),
        ("in the way that its stage asks for; told apart; that is no longer so", []),
        ("I recommend a ready-made image.", []),
    ],
)
def test_words_that_are_not_used(text: str, found: list[tuple[int, str]]) -> None:
    assert [(line, word) for line, word, _use in words.findings(text, RULES)] == found


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("docs/a.rst", "the answer has no list", ["the answer"]),
        ("docs/a.rst", "Only the answer ``yes`` goes on. A gate answers one question.", []),
        ("roles/a.yml", "Seconds to wait for an answer.", []),
        ("plugins/a.py", 'error("The answer is not an object.")', ['"The answer']),
        ("plugins/a.py", "def judge(left: float, seen: Sample): seen = read(left)", ["left", "seen", "seen"]),
        ("plugins/a.py", "nothing is left; the curve can be seen", []),
        ("tests/a.py", "seen = read(left)", []),
    ],
)
def test_words_that_only_some_files_avoid(name: str, text: str, found: list[str]) -> None:
    assert [word for _line, word, _use in words.findings(text, RULES, name)] == found


def test_a_file_that_is_exempt_exists() -> None:
    assert [name for name in RULES["exempt"] if not (CHECKOUT / name).exists()] == []


def test_no_text_of_the_project_has_one() -> None:
    assert not words.wrong()
