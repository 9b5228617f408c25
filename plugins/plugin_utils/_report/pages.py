# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The templates of the pages: where they are, how all of them escape, and what all of them know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from .svg import clock
from .wording import span, words

_ROOT = Path(__file__).resolve().parents[3]


@cache
def template(name: str, *filters: Callable[..., Any]) -> Template:
    """Return one of the templates beside this file, with what it calls beside what all of them do."""
    # Whatever the suffix: what is not escaped by mistake would be a text of a server.
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update({each.__name__: each for each in (span, words, day, *filters)})
    pages.globals["version"] = _version()
    return pages.get_template(name)


def day(at: float) -> str:
    """Return an epoch time as the tables of the pages have it."""
    return clock(at, "%Y-%m-%d %H:%M:%S")


def _version() -> str:
    """Return the version of the installed collection, or of the checkout; empty if neither file can be read."""
    try:
        return str(json.loads((_ROOT / "MANIFEST.json").read_text(encoding="utf-8"))["collection_info"]["version"])
    except (OSError, ValueError, LookupError, TypeError):
        pass
    try:
        found = re.search(r"(?m)^version: *(\S+)$", (_ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return found[1] if found else ""
