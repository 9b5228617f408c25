# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that every plugin takes, and the environment names that stand in for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import Any

from .._job.comparisons import CompareKind
from .._job.errors import configuration_error
from .._job.ranges import Range
from .http.retries import Limits

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
    "allow_http": {"type": "bool", "default": False},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    # The URL of a proxy may hold a password.
    "proxy": {"type": "str", "no_log": True},
    "language": {"type": "str", "default": "en-us", "choices": ["en-us", "zh-cn"]},
    "request_timeout": {"type": "float", "default": Limits.request_timeout},
    "request_retries": {"type": "int", "default": Limits.request_retries},
    "batch_size": {"type": "int", "default": Limits.batch_size},
    "parallel": {"type": "int", "default": Limits.parallel},
}

CONNECTION_RANGES = {
    "batch_size": Range(1, 100),
    "parallel": Range(1, 64),
    "request_retries": Range(0, 20),
    "request_timeout": Range(0.1, 600),
}


def options_of(rules: type[Any]) -> dict[str, dict[str, Any]]:
    """Return the options that a dataclass of rules stands for, with the types and defaults that it declares."""
    return {each.name: _option(str(each.type), each.default) for each in fields(rules)}


def _option(kind: str, default: Any) -> dict[str, Any]:
    if isinstance(default, Enum):
        return {"type": "str", "default": default.value, "choices": [each.value for each in type(default)]}
    # What has no default is a file.
    return {"type": "path"} if default is None else {"type": kind, "default": default}


# Neither is required: names.asked_jobs says what is wrong, so that null and empty count as not set.
JOBS_OR_NAMES: dict[str, dict[str, Any]] = {
    "jobs": {"type": "list", "elements": "str", "aliases": ["job_ids"]},
    "job_names": {"type": "list", "elements": "str"},
}

# The words of the API for the types of jobs, in the order in which they are asked for.
JOB_TYPES = ("migration", "sync", "cloudDataGuard")

INFO_OPTIONS: dict[str, dict[str, Any]] = {
    "ids": {"type": "list", "elements": "str"},
    "names": {"type": "list", "elements": "str"},
    "types": {"type": "list", "elements": "str", "choices": list(JOB_TYPES)},
    "statuses": {"type": "list", "elements": "str"},
    "details": {"type": "bool", "default": False},
}

# The words of the collection for what was compared.
COMPARE_KINDS = tuple(kind.value for kind in CompareKind)

COMPARE_OPTIONS: dict[str, dict[str, Any]] = {
    **JOBS_OR_NAMES,
    "kinds": {
        "type": "list",
        "elements": "str",
        "default": ["objects", "rows"],
        "choices": list(COMPARE_KINDS),
    },
    "started_after": {"type": "str"},
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
# A new name for one of the two needs its partner at the same place.
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


def logins_in_urls(options: Mapping[str, Any]) -> list[str]:
    """The logins that stand in URLs, which are refused: Ansible shows the options themselves at -vvv."""
    logins = [str(options.get(option) or "").rpartition("@")[0] for option in ("endpoint", "auth_url")]
    found = [login.rpartition("://")[2] if "://" in login else login for login in logins if login]
    return [text for login in found for text in (login, login.partition(":")[2]) if text]


def distinct_jobs(entries: Iterable[str], option: str, what: str) -> tuple[list[str], list[str]]:
    """The distinct entries in the order given, and those that were given more than once; ``what`` is ``id`` or ``name``.

    Ids are no UUIDs (their last group ends in a node tag such as ``jb21``), so anything
    without white space and control characters is taken. Raises :class:`DrsError` of kind
    ``configuration``, which names ``option``, for what cannot be an id or a name.
    """
    distinct: dict[str, None] = {}
    repeated: dict[str, None] = {}
    for number, entry in enumerate(_of_json(list(entries), option, f"{what}s"), start=1):
        if not entry or (what == "name" and entry.isspace()):
            raise configuration_error(f"{option}: entry {number} is empty. Give the {what} of a DRS job.")
        if what == "id" and _NOT_IN_AN_ID.search(entry):
            raise configuration_error(
                f"{option}: entry {number} ({entry!r}) contains a space or a control character. Job ids have neither."
            )
        (repeated if entry in distinct else distinct)[entry] = None
    if not distinct:
        raise configuration_error(f"{option} is empty. Give the {what} of at least one DRS job.")
    return list(distinct), list(repeated)


def chosen(entries: Iterable[str] | None, option: str) -> list[str]:
    """The entries by which a list is chosen. Blank ones, as an empty variable gives them, choose nothing."""
    return [entry for entry in _of_json(list(entries or ()), option, option) if entry.strip()]


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
            f"{option} starts like a JSON list but is not valid JSON. Pass a list, or {what} separated by commas."
        ) from None
    if listed is None:
        return jobs
    if not all(isinstance(entry, str) for entry in listed):
        raise configuration_error(
            f"{option} is JSON, but not a list of texts. Give a list of {what}, or {what} with commas."
        )
    return listed
