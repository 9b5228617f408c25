# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a plugin's options and the environment to a client that is logged in."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from . import _transport
from ._answers import check
from ._auth import AccessKeyAuth, KeystoneAuth, Login, TokenAuth
from ._client import Client
from ._errors import DrsError, configuration_error, protocol_error
from ._options import ENVIRONMENT, from_environment, one_pair_of_keys, secrets
from ._redact import Redactor
from ._retries import REAL_TIME, Limits, Timing, persist, time_for_one

_OTC_REGIONS = ("eu-de", "eu-nl")


@dataclass(frozen=True)
class _Way:
    """A way to log in: the options that tell it is meant, and those it cannot do without."""

    name: str
    marks: tuple[str, ...]
    needs: tuple[str, ...]
    others: tuple[str, ...] = ()


# In this order in the environment, where several may be present.
_WAYS = (
    _Way("token", ("auth_token",), ("auth_token",)),
    _Way("password", ("username", "password"), ("username", "password", "user_domain_name")),
    _Way("access keys", ("access_key", "secret_key"), ("access_key", "secret_key"), ("security_token",)),
    _Way("clouds.yaml", ("cloud",), ("cloud",)),
)


class Settings:
    """The options as given, with the environment behind them, for one way to log in.

    ``proxy`` and TLS options apply to every request, those to IAM included.
    """

    def __init__(self, options: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        """Raises :class:`DrsError` of kind ``configuration`` for options that cannot work."""
        self.redact = Redactor(*secrets(options, environ))
        environ = one_pair_of_keys(environ)
        self._options = options
        self._environ = environ
        _check_numbers(options)
        self.way = _way(options, environ)
        self.cloud_region: Any = (
            _load_cloud(self.get("cloud"), options, self.redact) if self.way.name == "clouds.yaml" else None
        )
        self.proxy = _proxy(options.get("proxy"), self.redact)
        self.verify = _verify(options, environ, self.cloud_region)

    def get(self, option: str) -> str | None:
        """An option's value, or that of its environment names."""
        return self._options.get(option) or from_environment(option, self._environ)

    def need(self, option: str, why: str) -> str:
        """The same for an option that cannot be done without."""
        value = self.get(option)
        if not value:
            raise configuration_error(f"{why} needs {_names([option])}.")
        return value

    def project_id(self) -> str | None:
        """That of the options; that of the environment only where no option says of which project it is."""
        if self._options.get("project_name") or self.way.name == "clouds.yaml":
            return self._options.get("project_id")
        return self.get("project_id")

    def security_token(self) -> str | None:
        """That of temporary keys. One of the environment belongs to the access key beside it, not to another."""
        given: str | None = self._options.get("security_token")
        of_environment = self.get("access_key") == from_environment("access_key", self._environ)
        return given or (self.get("security_token") if of_environment else None)

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
        """The region, which must look like one, as it becomes part of a host name."""
        region = self._options.get("region") or getattr(self.cloud_region, "region_name", None) or self.get("region")
        if region and not re.fullmatch(r"[a-z0-9][a-z0-9-]*", region, re.ASCII):
            raise configuration_error(f"region: {region!r} is not a valid region name; an example is eu-de.")
        return region

    def url_of(self, service: str) -> str | None:
        """The published base URL of a service (``drs``, ``iam``) in the region."""
        region = self.region()
        if not region:
            return None
        if region in _OTC_REGIONS:
            return f"https://{service}.{region}.otc.t-systems.com"
        suffix = "eu" if region == "eu-west-101" else "com"
        return f"https://{service}.{region}.myhuaweicloud.{suffix}"

    def endpoint(self) -> str:
        """The base URL of DRS."""
        endpoint = self.get("endpoint") or self.url_of("drs")
        if not endpoint:
            raise configuration_error(
                "There is no endpoint. Give endpoint (the base URL of DRS), "
                f"or {_names(['region'])} for the published one."
            )
        return _http_url("endpoint", endpoint, self.redact)

    def auth_url(self, why: str) -> str:
        """The URL of IAM, without a slash at its end."""
        url, iam = self.get("auth_url"), self.url_of("iam")
        url = url or (iam and f"{iam}/v3")
        if not url:
            raise configuration_error(f"{why} needs {_names(['auth_url'])}, or region for the published one.")
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
    if _transport.REQUESTS_IMPORT_ERROR:
        raise configuration_error(
            "The Python package requests is missing on the machine that talks to the API. "
            "Install it there: python -m pip install requests."
        )
    settings = Settings(options, environ)
    endpoint = settings.endpoint()
    limits = settings.limits()
    session = _transport.new_session(verify=settings.verify, proxy=settings.proxy, parallel=limits.parallel)
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
    by_password = {"password": settings.get("username")}
    if settings.cloud_region:
        auth = settings.cloud_region.config.get("auth") or {}
        by_password["clouds.yaml"] = auth.get("username")
    known = {
        "endpoint": endpoint,
        # Not checked: with an endpoint it is only a name.
        "region": getattr(settings.cloud_region, "region_name", None) or settings.get("region"),
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
    return _keystone_login(settings.cloud_region.get_auth(), settings, session, timeout)


def _load_cloud(name: str | None, options: Mapping[str, Any], redact: Redactor) -> Any:
    """The entry of clouds.yaml, found and merged by openstacksdk; for another project where the options name one."""
    project = {option: options[option] for option in ("project_id", "project_name") if options.get(option)}
    try:
        from keystoneauth1.exceptions import ClientException
        from openstack import config as openstack_config
        from openstack.exceptions import ConfigException
        from yaml import YAMLError
    except ImportError:
        raise configuration_error(_missing_package("openstacksdk", "a login by clouds.yaml (cloud)")) from None
    try:
        cloud = openstack_config.OpenStackConfig().get_one(cloud=name, auth=project)
    except (ConfigException, ClientException) as error:
        said = redact.text(str(error)).rstrip(".")
        raise configuration_error(f"The entry {name} of clouds.yaml cannot be used: {said}.") from None
    except (YAMLError, OSError, AttributeError, LookupError, TypeError, ValueError):
        # Not said in the words of the parser, which quotes the lines it stumbles over.
        raise configuration_error(f"The entry {name} of clouds.yaml cannot be used: is the file well-formed?") from None
    auth = cloud.config.get("auth") or {}
    redact.add(*(str(auth[key]) for key in auth if re.search("password|secret|token|passcode", key)))
    return cloud


def _access_keys(settings: Settings, session: Any, timeout: float) -> tuple[Login, str]:
    access_key, secret_key = (
        _header_safe(option, settings.need(option, "A login by access keys")) for option in ("access_key", "secret_key")
    )
    security_token = settings.security_token()
    keys = (access_key, secret_key, security_token and _header_safe("security_token", security_token))
    project_id = settings.project_id() or _look_up_project(settings, session, AccessKeyAuth(*keys), timeout)
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
        raise configuration_error(f"The login is not for a project. Give {_names(['project_id', 'project_name'])}.")
    return login, project_id


def _look_up_project(settings: Settings, session: Any, login: AccessKeyAuth, timeout: float) -> str:
    """The id of the project by its name, which by default is that of the region."""
    name = _project_name(settings)
    url = settings.auth_url("Looking up the project by name")
    request = _transport.requests.Request("GET", f"{url}/projects", params={"name": name}, auth=login)
    try:
        answer = _transport.send(session, request, timeout, settings.redact)
        ids = check(answer, settings.redact, lambda body: _ids_of_projects(body, name))
    except DrsError as error:
        error.args = (f"Looking up the project {name} at {_transport.host_of(url)} failed: {error}",)
        raise
    if len(ids) != 1:
        found = "There is no project" if not ids else f"There are {len(ids)} projects"
        raise configuration_error(f"{found} named {name} at {_transport.host_of(url)}. Give project_id.")
    return ids[0]


def _ids_of_projects(body: object, name: str) -> list[str]:
    projects = body.get("projects") if isinstance(body, dict) else None
    if not isinstance(projects, list):
        raise protocol_error("The answer has no list 'projects'.")
    named = [project for project in projects if isinstance(project, dict) and project.get("name") == name]
    return [project["id"] for project in named if isinstance(project.get("id"), str)]


def _project_name(settings: Settings) -> str:
    name = settings.get("project_name") or settings.region()
    if not name:
        raise configuration_error(f"There is no project. Give {_names(['project_id', 'project_name', 'region'])}.")
    return name


def _way(options: Mapping[str, Any], environ: Mapping[str, str]) -> _Way:
    """The one way to log in: given options beat the environment."""
    given = [way for way in _WAYS if any(options.get(option) for option in (*way.marks, *way.others))]
    if len(given) > 1:
        names = [option for way in given for option in (*way.marks, *way.others) if options.get(option)]
        ways = " and ".join(way.name for way in given)
        number = {2: "two", 3: "three"}.get(len(given), len(given))
        raise configuration_error(
            f"Options for {number} login methods are set, {ways} ({', '.join(names)}). Set only one."
        )
    if not given:
        # A way that is complete comes before one that a stray variable only hints at.
        hinted = [way for way in _WAYS if any(from_environment(option, environ) for option in way.marks)]
        given = sorted(hinted, key=lambda way: bool(_lacking(way, options, environ)))[:1]
    if not given:
        ways = "; ".join(f"{way.name} ({', '.join(way.needs)})" for way in _WAYS)
        raise configuration_error(f"There is no login. Give one of: {ways}; or set their environment variables.")
    missing = _lacking(given[0], options, environ)
    if missing:
        raise configuration_error(f"A login by {given[0].name} also needs {_names(missing, 'and')}.")
    return given[0]


def _lacking(way: _Way, options: Mapping[str, Any], environ: Mapping[str, str]) -> list[str]:
    return [option for option in way.needs if not (options.get(option) or from_environment(option, environ))]


def _names(options: list[str], last: str = "or") -> str:
    """Options for a sentence, each with its environment names."""
    shown = [f"{option} ({' or '.join(ENVIRONMENT[option])})" for option in options]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}"


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


def _verify(options: Mapping[str, Any], environ: Mapping[str, str], cloud_region: Any) -> bool | str:
    """What certificates are verified with: True for the usual authorities, False for not at all, or a path."""
    if not options["validate_certs"]:
        return False
    of_cloud = cloud_region.get_requests_verify_args()[0] if cloud_region else True
    if of_cloud is False and not options.get("ca_path"):
        return False
    sources = {
        "ca_path": options.get("ca_path"),
        "cacert of clouds.yaml": of_cloud if isinstance(of_cloud, str) else None,
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
        raise configuration_error(_missing_package("keystoneauth1", purpose)) from None
    return v3


def _missing_package(package: str, purpose: str) -> str:
    return (
        f"The Python package {package} is missing, which {purpose} needs. "
        f"Install it on the machine that talks to the API: python -m pip install {package}."
    )
