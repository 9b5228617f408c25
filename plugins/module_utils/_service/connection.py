# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a plugin's options and the environment to a client that is logged in."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from .._job.errors import DrsError, configuration_error, protocol_error
from . import transport
from .auth import AccessKeyAuth, KeystoneAuth, Login, TokenAuth
from .client import Client
from .clouds import Cloud, load_cloud, missing_package
from .options import from_environment, one_family, secrets, security_token_of
from .redaction import Redactor
from .regions import base_url
from .responses import check
from .retries import REAL_TIME, Limits, Timing, persist, time_for_one
from .ways import way_of, with_names


class Settings:
    """The options as given, with the environment behind them, for one way to log in.

    ``proxy`` and TLS options apply to every request, those to IAM included.
    """

    def __init__(self, options: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        """Raises :class:`DrsError` of kind ``configuration`` for options that cannot work."""
        self.redact = Redactor(*secrets(options, environ))
        self._everything = environ
        environ = one_family(environ)
        self._options = options
        self._environ = environ
        _check_numbers(options)
        self.way = way_of(options, environ)
        self.cloud = load_cloud(self.get("cloud"), options, self.redact) if self.way.name == "clouds.yaml" else None
        self.proxy = _proxy(options.get("proxy"), self.redact)
        self.verify = _verify(options, environ, self.cloud)

    def get(self, option: str) -> str | None:
        """An option's value, or that of its environment names."""
        return self._options.get(option) or from_environment(option, self._environ)

    def need(self, option: str, why: str) -> str:
        """The same for an option that cannot be done without."""
        value = self.get(option)
        if not value:
            raise configuration_error(f"{why} needs {with_names([option])}.")
        return value

    def project_id(self) -> str | None:
        """That of the options; that of the environment only where no option says of which project it is."""
        if self._options.get("project_name") or self.way.name == "clouds.yaml":
            return self._options.get("project_id")
        return self.get("project_id")

    def security_token(self) -> str | None:
        """That of temporary keys. One of the environment belongs to the access key beside it, not to another."""
        given: str | None = self._options.get("security_token")
        return given or security_token_of(self.get("access_key"), self._everything)

    def limits(self) -> Limits:
        """How requests are made."""
        options = self._options
        return Limits(
            timeout=options["request_timeout"],
            retries=options["request_retries"],
            batch_size=options["batch_size"],
            parallel=options["parallel"],
        )

    def language(self) -> str:
        """The language of the service's texts."""
        return str(self._options["language"])

    def region(self) -> str | None:
        """The region: of the options, of the entry of clouds.yaml, or of the environment."""
        return self._options.get("region") or (self.cloud.region if self.cloud else None) or self.get("region")

    def url_of(self, service: str) -> str | None:
        """The published base URL of a service (``drs``, ``iam``) in the region."""
        region = self.region()
        return base_url(service, region) if region else None

    def endpoint(self) -> str:
        """The base URL of DRS."""
        endpoint = self.get("endpoint") or (self.cloud.endpoint if self.cloud else None) or self.url_of("drs")
        if not endpoint:
            raise configuration_error(
                "There is no endpoint. Give endpoint (the base URL of DRS), "
                f"or {with_names(['region'])} for the published one."
            )
        return _http_url("endpoint", endpoint, self.redact)

    def auth_url(self, why: str) -> str:
        """The URL of IAM, without a slash at its end."""
        url = self._options.get("auth_url") or (self.cloud.auth_url if self.cloud else None) or self.get("auth_url")
        if not url:
            iam = self.url_of("iam")
            url = iam and f"{iam}/v3"
        if not url:
            raise configuration_error(f"{why} needs {with_names(['auth_url'])}, or region for the published one.")
        return _http_url("auth_url", url, self.redact).rstrip("/")


def connect(
    options: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    timing: Timing = REAL_TIME,
    until: float | None = None,
) -> Client:
    """A client for these options, logged in as far as the project id asks for it.

    Nothing is tried again after ``until`` (seconds on the clock of ``timing``). Raises
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
    limits = settings.limits()
    session = transport.new_session(verify=settings.verify, proxy=settings.proxy, parallel=limits.parallel)
    try:
        log_in = _LOGINS[settings.way.name]
        login, project_id = persist(
            lambda: log_in(settings, session, time_for_one(limits, timing, until)), limits, timing, until
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
        language=settings.language(),
        limits=limits,
        timing=timing,
        about=_about(settings, endpoint, project_id),
    )


def _about(settings: Settings, endpoint: str, project_id: str) -> dict[str, str | None]:
    """Where the jobs are read and by whom, without any secret."""
    cloud = settings.cloud
    by_password = {"password": settings.get("username"), "clouds.yaml": cloud and cloud.user}
    known = {
        "endpoint": endpoint,
        # Not checked: with an endpoint it is only a name.
        "region": (cloud and cloud.region) or settings.get("region"),
        "project_id": project_id,
        "user": by_password.get(settings.way.name),
    }
    return {name: settings.redact.text(str(value)) if value else None for name, value in known.items()}


def _token(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    token = _header_safe("auth_token", settings.need("auth_token", "A login by token"))
    return TokenAuth(token), settings.need("project_id", "A login by token (auth_token)")


def _password(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    v3 = _keystoneauth1("a login by password")
    project_id = settings.project_id()
    scope: dict[str, str | None] = {"project_id": project_id}
    domain = settings.get("user_domain_name")
    if not project_id:
        scope = {"project_name": _project_name(settings), "project_domain_name": domain}
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
    project_id = project_id or _look_up_project(settings, session, AccessKeyAuth(*keys), timeout)
    return AccessKeyAuth(*keys, project_id=project_id), project_id


_LOGINS: dict[str, Callable[[Settings, Any, float], tuple[Login, str]]] = {
    "token": _token,
    "password": _password,
    "access keys": _access_keys,
    "clouds.yaml": _cloud,
}


def _keystone_login(plugin: Any, settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    from keystoneauth1.session import Session

    keystone = Session(auth=plugin, session=session, verify=settings.verify, redirect=False, timeout=timeout)
    login = KeystoneAuth(plugin, keystone, settings.redact, timeout)
    project_id = settings.project_id() or login.project_id()
    if not project_id:
        raise configuration_error(f"The login is not for a project. Give {with_names(['project_id', 'project_name'])}.")
    return login, project_id


def _look_up_project(settings: Settings, session: Any, login: AccessKeyAuth, timeout: float) -> str:
    """The id of the project by its name, which by default is that of the region."""
    name = _project_name(settings)
    url = settings.auth_url("Looking up the project by name")
    request = transport.requests.Request("GET", f"{url}/projects", params={"name": name}, auth=login)
    try:
        answer = transport.send(session, request, timeout, settings.redact)
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
        raise protocol_error("The answer has no list 'projects'.")
    named = [project for project in projects if isinstance(project, dict) and project.get("name") == name]
    return [project["id"] for project in named if isinstance(project.get("id"), str)]


def _project_name(settings: Settings) -> str:
    cloud = settings.cloud
    name = (cloud.project_name if cloud else settings.get("project_name")) or settings.region()
    if not name:
        raise configuration_error(f"There is no project. Give {with_names(['project_id', 'project_name', 'region'])}.")
    return name


def _check_numbers(options: Mapping[str, Any]) -> None:
    for option, least, most in (
        ("batch_size", 1, 100),
        ("parallel", 1, 64),
        ("request_retries", 0, 20),
        ("request_timeout", 0.1, 600),
    ):
        if not least <= options[option] <= most:
            raise configuration_error(f"{option} must be from {least} to {most}, not {options[option]}.")


def _proxy(proxy: str | None, redact: Redactor) -> str | None:
    if not proxy:
        return None
    url = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https", "socks5", "socks5h") and parts.hostname and parts.port is not False
    except ValueError:
        usable = False
    if not usable:
        raise configuration_error("proxy is not a URL such as http://proxy.example.com:3128.")
    if parts.password:
        # As it stands in the URL, as it is, and as requests sends it.
        user, password = unquote(parts.username or ""), unquote(parts.password)
        redact.add(parts.password, password, b64encode(f"{user}:{password}".encode()).decode())
    return url


def _verify(options: Mapping[str, Any], environ: Mapping[str, str], cloud: Cloud | None) -> bool | str:
    """What certificates are verified with: True for the usual authorities, False for not at all, or a path."""
    if not options["validate_certs"]:
        return False
    of_cloud = cloud.verify if cloud else True
    if of_cloud is False and not options.get("ca_path"):
        return False
    sources = {
        "ca_path": options.get("ca_path"),
        "cacert of clouds.yaml": of_cloud if isinstance(of_cloud, str) else None,
        "OS_CACERT": from_environment("ca_path", environ),
        "REQUESTS_CA_BUNDLE": environ.get("REQUESTS_CA_BUNDLE"),
    }
    source, path = next(((source, path) for source, path in sources.items() if path), ("", True))
    if path is not True and not os.access(path, os.R_OK):
        raise configuration_error(f"{source}: there is no file or folder {path} that can be read.")
    return path


def _http_url(option: str, url: str, redact: Redactor) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port is not False
    except ValueError:
        usable = False
    if not usable:
        raise configuration_error(
            # What comes before an @ may be a login.
            f"{option} must be a URL that begins with https:// or http://, not {redact.text(url.rpartition('@')[2])}."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise configuration_error(f"{option} must be a plain base URL, without a login, a query or a fragment.")
    return url


def _header_safe(option: str, secret: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", secret):
        raise configuration_error(f"{option} holds a blank, a line break or a character that is not ASCII.")
    return secret


def _keystoneauth1(purpose: str) -> Any:
    try:
        from keystoneauth1.identity import v3
    except ImportError:
        raise configuration_error(missing_package("keystoneauth1", purpose)) from None
    return v3
