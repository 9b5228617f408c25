# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logins: from settings to what puts a token or a signature into each request, and the id of the project."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..._job.errors import configuration_error
from .auth import AccessKeyAuth, KeystoneAuth, Login, TokenAuth
from .clouds import missing_package
from .methods import with_names
from .project import look_up_project, project_name
from .settings import Settings


def log_in(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    """Return the login of the settings' method and the id of the project; ``timeout`` (seconds) is for one request.

    Raises :class:`DrsError`.
    """
    return _LOGINS[settings.method.name](settings, session, timeout)


def _token(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    token = _header_safe("auth_token", settings.need("auth_token", "A login by token"))
    return TokenAuth(token), settings.need("project_id", "A login by token (auth_token)")


def _password(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    v3 = _keystoneauth1("a login by password")
    project_id = settings.project_id()
    scope: dict[str, str | None] = {"project_id": project_id}
    domain = settings.get("user_domain_name")
    if not project_id:
        scope = {"project_name": project_name(settings), "project_domain_name": domain}
    plugin = v3.Password(
        auth_url=settings.auth_url("A login by password"),
        username=settings.get("username"),
        password=settings.get("password"),
        user_domain_name=domain,
        **scope,
    )
    return _keystone_login(plugin, settings, session, timeout)


def _cloud(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    cloud = settings.cloud
    if cloud is not None and cloud.keys:
        return _signed(settings, cloud.keys, cloud.project_id, session, timeout)
    if cloud is not None and cloud.auth_url:
        settings.checked_url("auth_url of clouds.yaml", cloud.auth_url)
    return _keystone_login(cloud and cloud.plugin, settings, session, timeout)


def _access_keys(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    access_key, secret_key = (
        settings.need(option, "A login by access keys") for option in ("access_key", "secret_key")
    )
    keys = (access_key, secret_key, settings.security_token())
    return _signed(settings, keys, settings.project_id(), session, timeout)


def _signed(
    settings: Settings, keys: tuple[str, str, str | None], project_id: str | None, session: Any, timeout: float
) -> tuple[Login, str]:
    access_key, secret_key, security_token = keys
    keys = (
        _header_safe("access_key", access_key),
        _header_safe("secret_key", secret_key),
        security_token and _header_safe("security_token", security_token),
    )
    project_id = project_id or look_up_project(settings, session, AccessKeyAuth(*keys), timeout)
    return AccessKeyAuth(*keys, project_id=project_id), project_id


_LOGINS: dict[str, Callable[[Settings, Any, float], tuple[Login, str]]] = {
    "token": _token,
    "password": _password,
    "access keys": _access_keys,
    "clouds.yaml": _cloud,
}


def _keystone_login(plugin: Any, settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    from keystoneauth1.session import Session

    keystone = Session(auth=plugin, session=session, verify=settings.verify, redirect=False)
    login = KeystoneAuth(plugin, keystone, settings.redact)
    project_id = settings.project_id() or login.project_id(timeout)
    if not project_id:
        raise configuration_error(f"The login is not for a project. Give {with_names(['project_id', 'project_name'])}.")
    return login, project_id


def _header_safe(option: str, secret: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", secret):
        raise configuration_error(f"{option} contains a space, a line break or a character that is not ASCII.")
    return secret


def _keystoneauth1(purpose: str) -> Any:
    try:
        from keystoneauth1.identity import v3
    except ImportError:
        raise configuration_error(missing_package("keystoneauth1", purpose)) from None
    return v3
