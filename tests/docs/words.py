# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words that the project does not use, as words.yml lists them, in all of its texts and names."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from ansible_collections.cutover.drs.tests.docs.blocks import CHECKOUT

LIST = CHECKOUT / "tests" / "docs" / "words.yml"
# What was released stays as it was written; licences, pinned versions and data are not ours to word.
_NOT_TEXT = re.compile(
    r"^(changelogs/|CHANGELOG|COPYING|LICENSES/)|\.(png|svg|json|jsonl|xsd|txt)$|^tests/docs/(words\.yml|test_words\.py)$"
)


def findings(text: str, rules: Mapping[str, Any], name: str = "") -> Iterator[tuple[int, str, str]]:
    """Line number, the word that was found, and what to write instead; ``name`` is the file's."""
    for allowed in rules["allowed"]:
        text = text.replace(allowed, "")
    for word in rules["words"]:
        if not re.search(word.get("in", ""), name):
            continue
        # A sentence may continue on the next line.
        pattern = word["not"].replace(" ", r"(?:[ ]|[ ]*\n[\s#*>|-]*)")
        for found in re.finditer(pattern, text, re.IGNORECASE):
            yield text.count("\n", 0, found.start()) + 1, " ".join(found[0].split()), word["use"]


def names() -> list[str]:
    """Return the files that git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    listed = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout
    return sorted(filter(None, listed.split("\0")))


def wrong() -> list[str]:
    """Return each word of the project that the list has, with its place and what to write instead."""
    rules = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    lines = []
    for name in names():
        if _NOT_TEXT.search(name) or name in rules["exempt"]:
            continue
        try:
            text = (CHECKOUT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        found = sorted(findings(text, rules, name))
        lines += [f"{name}:{line}: '{word}'; write: {use}" for line, word, use in found]
    return lines
