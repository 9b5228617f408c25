# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the user's tasks say of their databases for result and reports: the fact ``drs_cutover_facts``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._job.text import sentence
from ...module_utils._service.http.redaction import Redactor
from ...module_utils._service.options import CONNECTION_OPTIONS, from_environment
from .failed_task import message_of

FACT = "drs_cutover_facts"
# Characters of JSON: a few hundred databases with a few numbers each.
_LONGEST = 65536
_SECRETS = tuple(name for name, spec in CONNECTION_OPTIONS.items() if spec.get("no_log"))


def facts_of(
    variables: Mapping[str, Any], templar: Any, defaults: Mapping[str, Any], environ: Mapping[str, str]
) -> tuple[dict[str, Any], str]:
    """Return the facts as plain JSON values without the secrets of the login, and a sentence if they cannot be shown.

    ``defaults`` are the options that ``module_defaults`` give. It never raises: a wrong fact must not end a cutover.
    """
    given = variables.get(FACT)
    if not given:
        return {}, ""
    try:
        facts = templar.template(given)
        if not isinstance(facts, Mapping):
            return {}, f"{FACT} is not in the reports: it must be a dictionary."
        written = json.dumps(facts, default=str)
    except (AnsibleError, TypeError, ValueError, RecursionError) as error:
        return {}, f"{FACT} is not in the reports: {sentence(message_of(error))}"
    if len(written) > _LONGEST:
        return {}, f"{FACT} is not in the reports: it has {len(written)} characters of JSON, {_LONGEST} are allowed."
    redactor = Redactor(*_secrets(variables, templar, defaults, environ))
    found: dict[str, Any] = _redacted(json.loads(written), redactor)
    return found, ""


def _secrets(
    variables: Mapping[str, Any], templar: Any, defaults: Mapping[str, Any], environ: Mapping[str, str]
) -> list[str]:
    secrets = []
    for name in _SECRETS:
        given = [variables.get(f"{prefix}{name}") for prefix in ("drs_cutover_", "drs_wait_")]
        for value in (*given, defaults.get(name), from_environment(name, environ)):
            try:
                secrets.append(str(templar.template(value)) if value else "")
            except AnsibleError:
                # A variable without a value is no secret, and the step that needs it says so.
                continue
    return secrets


def _redacted(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, dict):
        return {redactor.text(name): _redacted(entry, redactor) for name, entry in value.items()}
    if isinstance(value, list):
        return [_redacted(entry, redactor) for entry in value]
    return redactor.text(value) if isinstance(value, str) else value
