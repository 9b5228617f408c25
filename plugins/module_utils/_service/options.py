# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that every plugin takes, and the environment names that stand in for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._job.errors import configuration_error
from .jobs.lists import JOB_TYPES

CONNECTION_OPTIONS: dict[str, dict[str, Any]] = {
    "endpoint": {"type": "str"},
    "region": {"type": "str"},
    "project_id": {"type": "str"},
    "project_name": {"type": "str"},
    "auth_token": {"type": "str", "no_log": True},
    "auth_url": {"type": "str"},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "user_domain_name": {"type": "str"},
    "access_key": {"type": "str", "no_log": True},
    "secret_key": {"type": "str", "no_log": True},
    "security_token": {"type": "str", "no_log": True},
    "cloud": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    # The URL of a proxy may hold a password.
    "proxy": {"type": "str", "no_log": True},
    "language": {"type": "str", "default": "en-us", "choices": ["en-us", "zh-cn"]},
    "request_timeout": {"type": "float", "default": 30.0},
    "request_retries": {"type": "int", "default": 4},
    "batch_size": {"type": "int", "default": 100},
    "parallel": {"type": "int", "default": 4},
}

# Neither is required: names.asked_jobs says what is wrong, so that null and empty count as not set.
JOBS_OR_NAMES: dict[str, dict[str, Any]] = {
    "jobs": {"type": "list", "elements": "str", "aliases": ["job_ids"]},
    "job_names": {"type": "list", "elements": "str"},
}

INFO_OPTIONS: dict[str, dict[str, Any]] = {
    "ids": {"type": "list", "elements": "str"},
    "names": {"type": "list", "elements": "str"},
    "types": {"type": "list", "elements": "str", "choices": list(JOB_TYPES)},
    "statuses": {"type": "list", "elements": "str"},
    "details": {"type": "bool", "default": False},
}

# In the order in which they are looked at: OpenStack, Open Telekom Cloud and otcextensions, the SDKs of Huawei Cloud,
# the Terraform providers. Of the keys each family has all three, in the same order.
ENVIRONMENT: dict[str, tuple[str, ...]] = {
    "region": ("OS_REGION_NAME", "HW_REGION_NAME"),
    "project_id": ("OS_PROJECT_ID", "OS_TENANT_ID", "HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID"),
    "project_name": ("OS_PROJECT_NAME", "OS_TENANT_NAME", "HW_PROJECT_NAME"),
    "auth_token": ("OS_TOKEN", "OS_AUTH_TOKEN", "HW_AUTH_TOKEN"),
    "auth_url": ("OS_AUTH_URL", "HW_AUTH_URL"),
    "username": ("OS_USERNAME", "HW_USER_NAME"),
    "password": ("OS_PASSWORD", "HW_USER_PASSWORD"),
    "user_domain_name": ("OS_USER_DOMAIN_NAME", "OS_DOMAIN_NAME", "HW_DOMAIN_NAME"),
    "access_key": ("OS_ACCESS_KEY", "HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY"),
    "secret_key": ("OS_SECRET_KEY", "HUAWEICLOUD_SDK_SK", "HW_SECRET_KEY"),
    "security_token": ("OS_SECURITY_TOKEN", "HUAWEICLOUD_SDK_SECURITY_TOKEN", "HW_SECURITY_TOKEN"),
    "cloud": ("OS_CLOUD",),
    "ca_path": ("OS_CACERT",),
}
_KEY_FAMILIES = tuple(zip(*(ENVIRONMENT[name] for name in ("access_key", "secret_key", "security_token")), strict=True))
_PASSWORD_FAMILIES = tuple(zip(ENVIRONMENT["username"], ENVIRONMENT["password"], strict=True))

_NOT_IN_AN_ID = re.compile(r"[\s\x00-\x1f\x7f-\x9f]")


def from_environment(option: str, environ: Mapping[str, str]) -> str | None:
    """The first environment name of an option that is set and not empty."""
    return next((environ[name] for name in ENVIRONMENT.get(option, ()) if environ.get(name)), None)


def one_family(environ: Mapping[str, str]) -> Mapping[str, str]:
    """The environment with one pair of keys and one user with a password: what belongs together is never mixed.

    The first whole pair counts. If none is whole, nothing is left out, as options may give the rest.
    """
    others: set[str] = set()
    for pairs in ([family[:2] for family in _KEY_FAMILIES], _PASSWORD_FAMILIES):
        whole = next((pair for pair in pairs if all(environ.get(name) for name in pair)), None)
        if whole:
            others.update(name for pair in pairs if pair != whole for name in pair)
    return {name: value for name, value in environ.items() if name not in others}


def security_token_of(access_key: str | None, environ: Mapping[str, str]) -> str | None:
    """The security token that the environment has for this access key.

    Temporary keys are worth nothing without it. A token whose own family has no key goes with the keys that are there.
    """
    own = [token for key, _secret, token in _KEY_FAMILIES if environ.get(key) == access_key]
    if not access_key or not own:
        return None
    orphans = [token for key, _secret, token in _KEY_FAMILIES if not environ.get(key)]
    return next((environ[token] for token in (*own, *orphans) if environ.get(token)), None)


def secrets(options: Mapping[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Every secret that the options and the environment hold, used or not."""
    found = []
    for option, spec in CONNECTION_OPTIONS.items():
        if spec.get("no_log"):
            found += [options.get(option), *(environ.get(name) for name in ENVIRONMENT.get(option, ()))]
    return [secret for secret in found if secret]


def job_ids(jobs: Iterable[str]) -> tuple[list[str], list[str]]:
    """The distinct ids in the order given, and those that were given more than once.

    Ids are no UUIDs (their last group ends in a node tag such as ``jb21``), so anything
    without white space and control characters is taken. Raises :class:`DrsError` of kind
    ``configuration`` for what cannot be an id.
    """
    distinct: dict[str, None] = {}
    repeated: dict[str, None] = {}
    for number, job_id in enumerate(_of_json(list(jobs), "jobs", "ids"), start=1):
        if not job_id:
            raise configuration_error(f"jobs: entry {number} is empty. Give the id of a DRS job.")
        if _NOT_IN_AN_ID.search(job_id):
            raise configuration_error(
                f"jobs: entry {number} ({job_id!r}) holds a blank or a control character, which no job id has."
            )
        (repeated if job_id in distinct else distinct)[job_id] = None
    if not distinct:
        raise configuration_error("jobs is empty. Give the id of at least one DRS job.")
    return list(distinct), list(repeated)


def job_names(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The distinct names in the order given, and those that were given more than once.

    Raises :class:`DrsError` of kind ``configuration`` for what cannot be a name.
    """
    distinct: dict[str, None] = {}
    repeated: dict[str, None] = {}
    for number, name in enumerate(_of_json(list(names), "job_names", "names"), start=1):
        if not name.strip():
            raise configuration_error(f"job_names: entry {number} is empty. Give the name of a DRS job.")
        (repeated if name in distinct else distinct)[name] = None
    if not distinct:
        raise configuration_error("job_names is empty. Give the name of at least one DRS job.")
    return list(distinct), list(repeated)


def json_list(entries: Sequence[str]) -> list[Any] | None:
    """The list that these entries are as JSON text, which Ansible splits at its commas; None if they are none.

    No id, name or path begins with a bracket. Raises :class:`ValueError` for text that does and is not JSON.
    """
    if not entries or not str(entries[0]).lstrip().startswith("["):
        return None
    return list(json.loads(",".join(entries)))


def _of_json(jobs: list[str], option: str, what: str) -> list[str]:
    try:
        listed = json_list(jobs)
    except ValueError:
        raise configuration_error(
            f"{option} looks like JSON and is none. Give a list of {what}, or {what} with commas."
        ) from None
    if listed is None:
        return jobs
    if not all(isinstance(entry, str) for entry in listed):
        raise configuration_error(
            f"{option} is JSON, but not a list of texts. Give a list of {what}, or {what} with commas."
        )
    return listed


def repeated_jobs_warning(repeated: Iterable[str], option: str = "jobs") -> str | None:
    """Return a sentence about ids or names that were given more than once; None if there are none."""
    names = ", ".join(repeated)
    return f"{option} names {names} more than once; each job is asked for once." if names else None
