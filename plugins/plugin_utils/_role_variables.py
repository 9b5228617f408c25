# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that are given as variables, as roles have them: omitted, null and empty count as not given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils._job.errors import configuration_error
from ..module_utils._service.options import json_list


def given(prefixes: Sequence[str], names: Iterable[str], task_vars: Mapping[str, Any], templar: Any) -> dict[str, Any]:
    """Return the values of the options ``names`` whose variables are set, the first prefix first."""
    found: dict[str, Any] = {}
    for prefix in prefixes:
        for name in names:
            value = task_vars.get(f"{prefix}{name}")
            if value is None or name in found:
                continue
            value = _templated(f"{prefix}{name}", value, templar)
            if value not in (None, "", task_vars.get("omit")):
                found[name] = value
    return found


def as_list(value: Any) -> Any:
    """Return the list that a text stands for: JSON, or entries with commas; anything else as it is."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        listed = json_list([value])
        if listed is not None:
            return listed
    return [entry.strip() for entry in value.split(",") if entry.strip()]


def _templated(name: str, value: Any, templar: Any) -> Any:
    try:
        return templar.template(value)
    except AnsibleError as error:
        if "Omit" in str(error):
            # How ansible-core 2.19 and later name a template that is default(omit).
            return None
        raise configuration_error(f"Cannot evaluate the variable {name}: {error.message}") from None


def other_hosts(task_vars: Mapping[str, Any], host: str) -> list[str]:
    """Return the other hosts of the play, those that failed as well."""
    return [other for other in task_vars.get("ansible_play_hosts_all") or () if other != host]


def variables_of(task_vars: Mapping[str, Any], host: str) -> Mapping[str, Any]:
    """Return the variables of a host as they are, without templating them."""
    hostvars = task_vars.get("hostvars")
    try:
        found = hostvars.raw_get(host) if hostvars is not None else {}
    except AttributeError:
        found = {}
    return found if isinstance(found, Mapping) else {}
