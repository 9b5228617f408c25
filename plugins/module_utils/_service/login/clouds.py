# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An entry of ``clouds.yaml``: a login at Keystone, an application credential, or access keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._job.errors import configuration_error
from ..http.redaction import Redactor

# What an entry may hold beside its access keys without being another login.
_OF_KEYSTONE = re.compile("username|user_id|password|passcode|application_credential|^token$|identity_provider")
_APPLICATION_CREDENTIAL = "application_credential_"
_SECRET = re.compile("password|secret|token|passcode|^sk$|^ak$|access_key")
# What an application credential needs. It carries its project: Keystone refuses a scope that is sent with it.
_OF_A_CREDENTIAL = (
    *("auth_url", "application_credential_id", "application_credential_secret", "application_credential_name"),
    *("user_id", "username", "user_domain_id", "user_domain_name"),
)


@dataclass(frozen=True)
class Cloud:
    """What an entry says, nothing where none is used. ``verify`` is True for the usual authorities, False for none, or a path."""

    region: str | None = None
    endpoint: str | None = None
    auth_url: str | None = None
    user: str | None = None
    verify: bool | str = True
    project_id: str | None = None
    project_name: str | None = None
    # Access key, secret key and security token.
    keys: tuple[str, str, str | None] | None = field(default=None, repr=False)
    # A plugin of keystoneauth1.
    plugin: Any = field(default=None, repr=False)


def load_cloud(name: str | None, options: Mapping[str, Any], redact: Redactor) -> Cloud:
    """The entry ``name``, found and merged by openstacksdk; for another project if the options name one.

    Raises :class:`DrsError` of kind ``configuration`` for an entry that cannot be used.
    """
    try:
        from keystoneauth1.exceptions import ClientException
        from openstack import config as openstack_config
        from openstack.exceptions import ConfigException
        from yaml import YAMLError
    except ImportError:
        raise configuration_error(missing_package("openstacksdk", "a login by clouds.yaml (cloud)")) from None
    project = {option: options[option] for option in ("project_id", "project_name") if options.get(option)}
    try:
        clouds = openstack_config.OpenStackConfig()
        entry: Any = clouds.get_one(cloud=name, validate=False, auth=project)
        auth = entry.config.get("auth") or {}
        settings = {**entry.config, **auth}
        redact.add(*(str(value) for key, value in settings.items() if _SECRET.search(key) and isinstance(value, str)))
        keys = _keys(name, settings, auth)
        plugin = None
        if keys is None and any(key.startswith(_APPLICATION_CREDENTIAL) for key in auth):
            plugin = _credential(auth)
        elif keys is None:
            entry = clouds.get_one(cloud=name, auth=project)
            plugin = entry.get_auth()
    except (ConfigException, ClientException) as error:
        reason = redact.text(str(error)).rstrip(".")
        raise configuration_error(f"The entry {name} of clouds.yaml cannot be used: {reason}.") from None
    except (YAMLError, OSError, AttributeError, LookupError, TypeError, ValueError):
        # Not said in the words of the parser, which quotes the lines it stumbles over.
        raise configuration_error(f"The entry {name} of clouds.yaml cannot be used: is the file well-formed?") from None
    # An id that the options give is of another project than the name in the entry, and the other way round.
    asked = project or settings
    verify: bool | str = entry.get_requests_verify_args()[0]
    return Cloud(
        region=_text(entry.config.get("region_name")),
        endpoint=_text(entry.config.get("drs_endpoint_override")),
        auth_url=_text(settings.get("auth_url")),
        user=None if keys else _text(settings.get("username")),
        verify=verify,
        project_id=_text(asked.get("project_id")),
        project_name=_text(asked.get("project_name")),
        keys=keys,
        plugin=plugin,
    )


def missing_package(package: str, purpose: str) -> str:
    """A sentence that says what a package is needed for, and how to install it."""
    return (
        f"The Python package {package} is missing, which {purpose} needs. "
        f"Install it on the machine that talks to the API: python -m pip install {package}."
    )


def _text(value: object) -> str | None:
    return str(value) if value else None


def _keys(name: str | None, settings: Mapping[str, Any], auth: Mapping[str, Any]) -> tuple[str, str, str | None] | None:
    """The access keys of an entry that has no other login, beside ``auth`` or inside it, by either of their names."""
    access_key, secret_key = (
        _text(settings.get(long) or settings.get(short)) for long, short in (("access_key", "ak"), ("secret_key", "sk"))
    )
    if not (access_key or secret_key) or any(_OF_KEYSTONE.search(key) and value for key, value in auth.items()):
        return None
    if not access_key or not secret_key:
        lacking = "access_key (or ak)" if not access_key else "secret_key (or sk)"
        raise configuration_error(f"The entry {name} of clouds.yaml also needs {lacking}.")
    return access_key, secret_key, _text(settings.get("security_token"))


def _credential(auth: Mapping[str, Any]) -> Any:
    from keystoneauth1.identity import v3

    return v3.ApplicationCredential(**{key: auth[key] for key in _OF_A_CREDENTIAL if auth.get(key)})
