# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for words that the project does not use, as words.yml lists them, in all of its texts and names.

usage: python words.py
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from checkout import files

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIST = HERE / "words.yml"
# What was released stays as it was written; licences, pinned versions and data are not ours to word.
_NOT_TEXT = re.compile(
    r"^(changelogs/|CHANGELOG|COPYING|LICENSES/)|\.(png|svg|json|jsonl|xsd|txt)$|^tests/(tools/words\.yml|docs/test_words\.py)$"
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
    """Return the files of the checkout; in a copy of it, which has no .git, all that are there."""
    if (ROOT / ".git").exists():
        return sorted(map(str, files("*")))
    return sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file())


def main() -> int:
    rules = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    wrong = 0
    for name in names():
        if _NOT_TEXT.search(name) or name in rules["exempt"]:
            continue
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        for line, word, use in sorted(findings(text, rules, name)):
            print(f"{name}:{line}: '{word}'; write: {use}")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
