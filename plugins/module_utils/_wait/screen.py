# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a line for people has room for: the words that matter least are left out first, and a name is cut last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple
from unicodedata import east_asian_width

WIDEST = 160
# A terminal that says it is narrower than this is not believed.
_NARROWEST = 40
_LONGEST_HOLD = 20
_SHORTEST_LABEL = 12
_NARROW = 100
# Columns that the beginning of a longer text is worth more than what is left out for it.
_OF_A_TEXT = 24


@dataclass(frozen=True)
class Screen:
    """Where lines are shown: ``label`` and ``part`` of it say what they are about, ``width`` how many columns there are now.

    ``named`` returns what the user calls an option, such as the variable of a role.
    """

    label: str = ""
    part: str = ""
    width: Callable[[], int] = lambda: WIDEST
    named: Callable[[str], str] = str

    @property
    def columns(self) -> int:
        """The most columns that a line may have."""
        return max(_NARROWEST, min(WIDEST, self.width()))

    @property
    def tag(self) -> str:
        """What lines are about, as they show it; empty if there is nothing to tell."""
        # A title may be a sentence.
        longest = max(_SHORTEST_LABEL, self.columns // 4 - columns(self.part))
        about = ", ".join(filter(None, (_cut(self.label, longest), self.part)))
        return f"[{about}]" if about else ""

    @property
    def is_narrow(self) -> bool:
        """Whether how long it has lasted is left out of every line, so that they stay in columns."""
        return self.columns < _NARROW


class Worth(IntEnum):
    """How much a word is worth to who reads it; on a narrow screen the least goes first."""

    DETAIL = 1
    TREND = 2
    COUNT = 3
    ESTIMATE = 4
    STATE = 5
    KEPT = 6


class Word(NamedTuple):
    """One or more words that belong together."""

    text: str
    worth: Worth = Worth.KEPT


def fitted(words: Sequence[Word], width: int, text: str = "") -> str:
    """Return the words, and a longer text after them, as a line of at most ``width`` columns."""
    kept = [word for word in words if word.text]
    wanted = width - (min(columns(text), _OF_A_TEXT) + 1 if text else 0)
    for worth in sorted(Worth)[:-1]:
        while columns(_joined(kept)) > wanted and (
            places := [at for at, word in enumerate(kept) if word.worth is worth]
        ):
            del kept[places[-1]]
    return _cut(f"{_joined(kept)} {text}".rstrip(), width)


def wrapped(text: str, width: int, begin: str) -> list[str]:
    """Return the text as lines of at most ``width`` columns, each with this beginning."""
    lines = [begin.rstrip()]
    for word in text.split():
        longer = f"{lines[-1]} {word}"
        if columns(longer) > width and lines[-1] != begin.rstrip():
            longer = f"{begin.rstrip()} {word}"
            lines.append(longer)
        lines[-1] = _cut(longer, width)
    return lines


def columns(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    # The service also answers in Chinese, of which each character is two columns wide.
    return len(text) if text.isascii() else sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def _joined(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _cut(line: str, width: int) -> str:
    """Cut a line, and keep the hold at its end if there is one."""
    if columns(line) <= width:
        return line
    last = line.rpartition(" ")[2]
    end = f"... {last}" if last.startswith("hold=") and len(last) <= _LONGEST_HOLD else "..."
    line = line[: width - len(end)]
    while columns(line) + len(end) > width:
        line = line[:-1]
    return line + end
