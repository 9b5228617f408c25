# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The project of the jobs: its name, and the look-up of its id."""

from __future__ import annotations

from typing import Any

from ..._job.errors import DrsError, configuration_error, protocol_error
from ..http import transport
from ..http.responses import check
from .auth import AccessKeyAuth
from .methods import with_names
from .settings import Settings


def look_up_project(settings: Settings, session: Any, login: AccessKeyAuth, timeout: float) -> str:
    """The id of the project by its name, which by default is that of the region."""
    name = project_name(settings)
    url = settings.auth_url("Looking up the project by name")
    request = transport.requests.Request("GET", f"{url}/projects", params={"name": name}, auth=login)
    try:
        answer = transport.send(session, request, timeout)
        ids = check(answer, settings.redact, lambda body: _ids_of_projects(body, name))
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


def project_name(settings: Settings) -> str:
    cloud = settings.cloud
    name = (cloud.project_name if cloud else settings.get("project_name")) or settings.region()
    if not name:
        raise configuration_error(f"There is no project. Give {with_names(['project_id', 'project_name', 'region'])}.")
    return name
