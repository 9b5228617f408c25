# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON schema of the event source's arguments, from its documentation."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ansible_collections.cutover.drs.tests.generated.role_options import ROOT, documentation

SOURCE = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "drs_jobs.py"
SCHEMA = SOURCE.parent / "schemas" / "drs_jobs.json"
TYPES = {"bool": "boolean", "float": "number", "int": "integer", "list": "array", "path": "string", "str": "string"}


def plain(text: str) -> str:
    """Return a sentence of the documentation without Ansible's markup."""
    return re.sub(r"\b[CEMOV]\(([^)]*)\)", r"\1", text)


def schema() -> str:
    """Return the JSON schema of the arguments, as the collection ansible.eda has one for each of its sources."""
    source = documentation(SOURCE)
    properties: dict[str, Any] = {}
    for name, option in source["options"].items():
        described = option["description"]
        entry: dict[str, Any] = {
            "description": plain(described if isinstance(described, str) else " ".join(described)),
            "type": TYPES[option["type"]],
        }
        if "elements" in option:
            entry["items"] = {"type": TYPES[option["elements"]]}
        if "choices" in option:
            entry["enum"] = option["choices"]
        if "default" in option:
            entry["default"] = option["default"]
        for alias in (name, *option.get("aliases", ())):
            properties[alias] = entry
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://github.com/cutover-drs/cutover.drs/extensions/eda/plugins/event_source/schemas/drs_jobs.json",
        "title": "cutover.drs.drs_jobs",
        "description": plain(source["short_description"]),
        "type": "object",
        "properties": properties,
        # By their ids, under either name of that option, or by their names, and not in two of these ways.
        "oneOf": [{"required": [way]} for way in ("jobs", *source["options"]["jobs"]["aliases"], "job_names")],
        "additionalProperties": False,
    }
    return json.dumps(document, indent=2) + "\n"


def files() -> dict[Path, str]:
    return {SCHEMA: schema()}
