# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports of a result: one text for each suffix, and a file that is either whole or not there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ...module_utils._wait.recording import REPLAY
from .._files import write_whole
from . import html, junit, markdown, prometheus
from .overview import write_index
from .untrusted import fields, items, number, text
from .view import Cutover, Wait, read

_RENDER: dict[str, Callable[[Wait | Cutover, str], str]] = {
    ".html": html.render,
    ".md": markdown.render,
    ".xml": junit.render,
}
SUFFIXES = tuple(sorted((".json", ".prom", *_RENDER)))

# What a person looks for comes first in each object, the rest by name.
_FIRST = (
    "kind",
    "replay",
    "verdict",
    "outcome",
    "at",
    "id",
    "name",
    "ready",
    "reason",
    "state",
    "rule",
    "text",
    "from",
    "to",
)
_ORDER = {name: place for place, name in enumerate(_FIRST)}
# Of a report that was given none.
TITLE = "DRS cutover gate"
_LONGEST_TITLE = 200
# What Ansible puts beside a result when it registers it.
_OF_ANSIBLE = ("exception", "invocation", "deprecations", "failed_when_result")


class ReportError(Exception):
    """A report that cannot be made; the text is a sentence for people."""


def render(result: Mapping[str, Any], suffix: str, title: str, gate: str = "") -> str:
    """Return the report of a result of ``drs_job_wait`` or of the role ``drs_cutover``.

    ``suffix`` is one of :data:`SUFFIXES`; for another one :class:`ReportError` is raised. ``gate`` is the name of the
    gate of a cutover that the result is of, if any.
    """
    if suffix == ".json":
        return json.dumps(_plain(result), indent=2, allow_nan=False) + "\n"
    if suffix not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise ReportError(f'Unknown report format "{text(suffix)}". Use one of {known}.')
    view, shown = read(result), text(title, _LONGEST_TITLE)
    if isinstance(view, Wait) and view.replay:
        shown = f"{REPLAY}: {shown}"
    return prometheus.render(view, shown, gate) if suffix == ".prom" else _RENDER[suffix](view, shown)


def write_each(
    paths: Iterable[str], result: Mapping[str, Any], title: str, *, gate: str = "", check_mode: bool = False
) -> tuple[list[str], list[str]]:
    """Write the reports of a result; those written, and a sentence for each that could not be: none prevents another.

    In check mode they are rendered and not written.
    """
    written: list[str] = []
    problems: list[str] = []
    for path in paths:
        try:
            content = render(result, Path(path).suffix.lower(), title, gate)
            if not check_mode:
                write_whole(Path(path), content.encode("utf-8"), 0o644)
            written.append(path)
        except (OSError, ReportError) as error:
            why = error.strerror or "unknown error" if isinstance(error, OSError) else str(error).rstrip(".")
            problems.append(f"The report {path} was not written: {why}.")
    return written, problems


def write_reports(
    paths: Iterable[str], outcome: Mapping[str, Any], title: str, index: str = ""
) -> tuple[list[str], list[str]]:
    """Write the reports of a cutover, one for each of its gates beside each, and the ``index`` over all; the main ones, and what went wrong."""
    written: list[str] = []
    problems: list[str] = []
    for path in paths:
        main, wrong = write_each([path], outcome, title)
        written += [str(Path(path).absolute()) for path in main]
        problems += wrong
        for gate, judged in outcome["gates"].items():
            problems += write_each([beside(path, gate)], judged, f"{title}: {gate} gate", gate=gate)[1]
    problem = write_index(index) if index else None
    return written, [*problems, problem] if problem else problems


def wrong_suffixes(paths: Iterable[str]) -> str | None:
    """Return which of these paths are not those of reports, and what they must end in; None if there are none."""
    wrong = [path for path in paths if Path(path).suffix.lower() not in SUFFIXES]
    return f"{', '.join(wrong)} must end in one of {', '.join(SUFFIXES)}." if wrong else None


def beside(path: str, addition: str) -> str:
    """Return the path of a report beside this one, with the same suffix and an addition to its name."""
    file = Path(path)
    return str(file.with_name(f"{file.stem}-{addition}{file.suffix}"))


def _plain(value: object) -> Any:
    """Return the value in JSON's own types, without what Ansible keeps for itself, in an order that stays."""
    if isinstance(value, Mapping):
        named = {str(name): entry for name, entry in fields(value).items()}
        kept = [name for name in named if not name.startswith("_ansible_") and name not in _OF_ANSIBLE]
        return {
            name: _plain(named[name]) for name in sorted(kept, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))
        }
    if value is None or isinstance(value, (bool, int, float)):
        # JSON has no infinity.
        return value if isinstance(value, bool) or number(value) is not None else None
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(entry) for entry in items(value)]
    return str(value)
