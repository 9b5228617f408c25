# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The logins: from settings to what puts a token or a signature into each request, and the id of the project."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..._job.errors import DrsError, configuration_error, protocol_error
from ..http import transport
from ..http.responses import check
from .auth import AccessKeyAuth, KeystoneAuth, Login, TokenAuth
from .clouds import missing_package
from .methods import with_names
from .settings import Settings


def log_in(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    """Return the login of the settings' method and the id of the project; ``timeout`` (seconds) is for one request.

    Raises :class:`DrsError`.
    """
    return _LOGINS[settings.method.name](settings, session, timeout)


def _token(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    token, project_id = _header_safe("auth_token", settings.get("auth_token")), settings.get("project_id")
    if not project_id:
        raise configuration_error(f"A login by token (auth_token) needs {with_names(['project_id'])}.")
    return TokenAuth(token), project_id


def _password(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    try:
        from keystoneauth1.identity import v3
    except ImportError:
        raise configuration_error(missing_package("keystoneauth1", "a login by password")) from None
    user: dict[str, Any] = {name: settings.get(name) for name in ("username", "password", "user_domain_name")}
    project: dict[str, Any] = {"project_id": settings.project_id()}
    if not project["project_id"]:
        project = {"project_name": settings.project_name(), "project_domain_name": user["user_domain_name"]}
    plugin = v3.Password(auth_url=settings.auth_url("A login by password"), **user, **project)
    return _keystone_login(plugin, settings, session, timeout)


def _cloud(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    cloud = settings.cloud
    if cloud.keys:
        return _signed(settings, cloud.keys, cloud.project_id, session, timeout)
    if cloud.auth_url:
        settings.checked_url("auth_url of clouds.yaml", cloud.auth_url)
    return _keystone_login(cloud.plugin, settings, session, timeout)


def _access_keys(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    keys = (settings.get("access_key"), settings.get("secret_key"), settings.security_token())
    return _signed(settings, keys, settings.project_id(), session, timeout)


def _signed(
    settings: Settings,
    keys: tuple[str | None, str | None, str | None],
    project_id: str | None,
    session: Any,
    timeout: float,
) -> tuple[Login, str]:
    access_key, secret_key, security_token = keys
    safe = (
        _header_safe("access_key", access_key),
        _header_safe("secret_key", secret_key),
        security_token and _header_safe("security_token", security_token),
    )
    project_id = project_id or _look_up_project(settings, session, AccessKeyAuth(*safe), timeout)
    return AccessKeyAuth(*safe, project_id=project_id), project_id


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


def _look_up_project(settings: Settings, session: Any, login: AccessKeyAuth, timeout: float) -> str:
    """The id of the project by its name."""
    name = settings.project_name()
    url = settings.auth_url("Looking up the project by name")
    request = transport.requests.Request("GET", f"{url}/projects", params={"name": name}, auth=login)
    try:
        answer = transport.send(session, request, timeout)
        ids = check(answer, settings.redact, lambda body: _ids_of_projects(body, name), "auth_url")
    except DrsError as error:
        error.args = (f"Looking up the project {name} at {transport.host_of(url)} failed: {error}",)
        raise
    if len(ids) != 1:
        found = "There is no project" if not ids else f"There are {len(ids)} projects"
        raise configuration_error(f"{found} named {name} at {transport.host_of(url)}. Give project_id.")
    return ids[0]


def _ids_of_projects(body: object, name: str) -> list[str]:
    projects = body.get("projects") if isinstance(body, dict) else None
    if not isinstance(projects, list):
        raise protocol_error("The response has no list 'projects'.")
    named = [project for project in projects if isinstance(project, dict) and project.get("name") == name]
    return [project["id"] for project in named if isinstance(project.get("id"), str)]


def _header_safe(option: str, secret: str | None) -> str:
    if not secret or not re.fullmatch(r"[\x21-\x7e]+", secret):
        raise configuration_error(f"{option} contains a space, a line break or a character that is not ASCII.")
    return secret
