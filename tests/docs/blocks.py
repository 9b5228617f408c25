# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code blocks of the documentation, as a reader would copy them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
GUIDES = sorted((CHECKOUT / "docs" / "docsite" / "rst").glob("*.rst"))
PAGES = [
    CHECKOUT / name
    for name in ("README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "RELEASING.md", "SECURITY.md", "CODE_OF_CONDUCT.md")
]
PLUGINS = sorted((*(CHECKOUT / "plugins" / "modules").glob("*.py"), *(CHECKOUT / "plugins").glob("*/*.yml")))
EXAMPLES = CHECKOUT / "docs" / "examples"
# Pages that a reader follows from the top to the end, where a command makes what a later block changes: test_first_hour runs them.
IN_ORDER = [CHECKOUT / "docs" / "docsite" / "rst" / "guide_first_hour.rst"]

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[\w+-]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_DIRECTIVE = re.compile(
    r"^(?P<indent> *)\.\. code-block:: *(?P<language>[\w+-]+)\n(?:(?P=indent) +:[^\n]*\n)*\n+"
    r"(?P<text>(?:(?P=indent) +[^\n]*\n|\n)+)",
    re.MULTILINE,
)
_NAMED = re.compile(r"# (?P<name>[\w./-]+\.(?:yml|yaml|jsonl|service|timer))\n")
_HEADER = re.compile(r"\A(?:#[^\n]*\n)+---\n")


class _Loader(yaml.SafeLoader):
    """Reads YAML with the tag by which Ansible leaves a text alone."""


_Loader.add_constructor("!unsafe", _Loader.construct_yaml_str)


@dataclass(frozen=True)
class Block:
    """A code block: its place, its language, and its text. A first line ``# some/file.yml`` names a file."""

    document: str
    line: int
    language: str
    text: str

    @property
    def where(self) -> str:
        """The place, for messages."""
        return f"{self.document}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the block says it is."""
        named = _NAMED.match(self.text)
        return named["name"] if named else None

    @property
    def content(self) -> Any:
        """The YAML in it."""
        return yaml.load(self.text, _Loader)  # noqa: S506 -- it is a SafeLoader

    @property
    def is_playbook(self) -> bool:
        """A list of plays, not of tasks."""
        return isinstance(self.content, list) and all(
            "hosts" in play or "import_playbook" in play for play in self.content
        )


def documents() -> list[Path]:
    """Return every file with code blocks."""
    return [*(page for page in PAGES if page.exists()), *GUIDES, *PLUGINS]


def blocks(path: Path) -> list[Block]:
    """Return the code blocks of a page, a guide, or the EXAMPLES of a plugin."""
    name = str(path.relative_to(CHECKOUT))
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return [Block(name, line, "yaml", text) for line, text in _examples(source)]
    if path.suffix == ".yml":
        return [Block(name, 1, "yaml", yaml.safe_load(source)["EXAMPLES"])]
    pattern = _FENCE if path.suffix == ".md" else _DIRECTIVE
    return [
        Block(
            name, source.count("\n", 0, found.start()) + 1, found["language"], dedent(found["text"]).strip("\n") + "\n"
        )
        for found in pattern.finditer(source)
    ]


def _examples(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES":
            yield node.lineno, ast.literal_eval(node.value).lstrip("\n")


def without_header(text: str) -> str:
    """Return an example file as a page shows it: without the licence."""
    return _HEADER.sub("", text)
