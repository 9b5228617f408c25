# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a plugin's options and the environment to a client that is logged in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._job.errors import configuration_error
from .http import transport
from .http.clock import REAL_CLOCK, Clock
from .http.retries import persist, time_for_one
from .jobs.client import Client
from .login.logins import log_in
from .login.settings import Settings


def connect(
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    clock: Clock = REAL_CLOCK,
    until: float | None = None,
) -> Client:
    """A client for these options, logged in as far as the project id asks for it.

    Nothing is tried again after ``until`` (seconds on the clock of ``clock``). Raises
    :class:`DrsError`: ``configuration`` for options that cannot work, others for a login or a
    look-up of the project that failed.
    """
    if transport.REQUESTS_IMPORT_ERROR:
        raise configuration_error(
            "The Python package requests is missing on the machine that talks to the API. "
            "Install it there: python -m pip install requests."
        )
    settings = Settings(options, environ)
    endpoint = settings.endpoint()
    settings.proxies.of(endpoint)
    limits = settings.limits()
    session = transport.new_session(
        verify=settings.verify, proxies=settings.proxies, parallel=limits.parallel, redact=settings.redact
    )
    try:
        login, project_id = persist(
            lambda: log_in(settings, session, time_for_one(limits, clock, until)), limits, clock, until
        )
        if not re.fullmatch(r"[\w.~-]+", project_id, re.ASCII):
            raise configuration_error(f"project_id: {project_id!r} is not a valid project id.")
    except BaseException:
        session.close()
        raise
    return Client(
        endpoint,
        project_id,
        login,
        session,
        settings.redact,
        language=options["language"],
        limits=limits,
        clock=clock,
        about=_about(settings, endpoint, project_id),
    )


def _about(settings: Settings, endpoint: str, project_id: str) -> dict[str, str | None]:
    """Where the jobs are read and by whom, without any secret."""
    by_password = {"password": settings.get("username"), "clouds.yaml": settings.cloud.user}
    known = {
        "endpoint": endpoint,
        # Not checked: with an endpoint it is only a name.
        "region": settings.region(),
        "project_id": project_id,
        "user": by_password.get(settings.method.name),
    }
    return {name: settings.redact.text(str(value)) if value else None for name, value in known.items()}
