# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of what people write into a scenario: each failure is one sentence that names the place."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


class ScenarioError(ValueError):
    """A scenario that cannot be played; the text says where and why."""


def mapping(where: str, value: Any, known: Collection[str]) -> dict[str, Any]:
    """Return VALUE as a dict, refusing keys nobody reads: a typing error must not pass for a test."""
    if not isinstance(value, dict):
        raise ScenarioError(f"{where} must be a mapping, not {_kind(value)}.")
    unknown = sorted(str(key) for key in value if key not in known)
    if unknown:
        raise ScenarioError(f"{where} has the unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}.")
    return dict(value)


def sequence(where: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ScenarioError(f"{where} must be a list, not {_kind(value)}.")
    return value


def text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ScenarioError(f"{where} must be a string that is not empty, not {_kind(value)}.")
    return value


def flag(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ScenarioError(f"{where} must be true or false, not {_kind(value)}.")
    return value


def number(where: str, value: Any, minimum: float | None = 0) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ScenarioError(f"{where} must be a number, not {_kind(value)}.")
    if minimum is not None and value < minimum:
        raise ScenarioError(f"{where} must be at least {minimum:g}, not {value:g}.")
    return value


def whole(where: str, value: Any, minimum: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ScenarioError(f"{where} must be a whole number, not {_kind(value)}.")
    if value < minimum:
        raise ScenarioError(f"{where} must be at least {minimum}, not {value}.")
    return value


def choice(where: str, value: Any, choices: Collection[str]) -> str:
    if value not in choices:
        raise ScenarioError(f"{where} must be one of {', '.join(choices)}, not {value!r}.")
    return str(value)


def _kind(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return f"a {type(value).__name__}"
    return repr(value)
