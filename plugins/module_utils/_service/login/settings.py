# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a plugin and the environment behind them, for one method of login."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from ..._job.errors import configuration_error
from ..._job.ranges import check_ranges
from ..http.proxies import parts_of, read_proxies
from ..http.redaction import Redactor
from ..http.retries import Limits
from ..options import CONNECTION_OPTIONS, CONNECTION_RANGES, from_environment, one_family, security_token_of
from .clouds import Cloud, load_cloud
from .methods import method_of, with_names
from .regions import base_url


class Settings:
    """The options as given, with the environment behind them, for one way to log in.

    Proxy and TLS options apply to every request, those to IAM included.
    """

    def __init__(self, options: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        """Raises :class:`DrsError` of kind ``configuration`` for options that cannot work."""
        self.redact = Redactor()
        self._everything = environ
        # Read first, so that no error can show what is in it.
        self.proxies = read_proxies(options.get("proxy"), environ, self.redact)
        environ = one_family(environ)
        self._options = options
        self._environ = environ
        check_ranges(CONNECTION_RANGES, options)
        self.method = method_of(options, environ)
        self.redact.add(*self._secrets())
        by_cloud = self.method.name == "clouds.yaml"
        self.cloud = load_cloud(self.get("cloud"), options, self.redact) if by_cloud else Cloud()
        self.verify = _verify(options, environ, self.cloud)

    def _secrets(self) -> list[str | None]:
        """Those of the login in use. A variable that nobody uses may hold a word that stands in the name of a job."""
        used = [*self.method.marks, *self.method.others]
        secret = [option for option in used if CONNECTION_OPTIONS[option].get("no_log")]
        return [self.security_token() if option == "security_token" else self.get(option) for option in secret]

    def get(self, option: str) -> str | None:
        """An option's value, or that of its environment names."""
        return self._options.get(option) or from_environment(option, self._environ)

    def project_id(self) -> str | None:
        """That of the options; that of the environment only where no option says of which project it is."""
        if self._options.get("project_name") or self.method.name == "clouds.yaml":
            return self._options.get("project_id")
        return self.get("project_id")

    def project_name(self) -> str:
        """That of the options or of the environment, of clouds.yaml if that is used, else that of the region."""
        by_cloud = self.method.name == "clouds.yaml"
        name = (self.cloud.project_name if by_cloud else self.get("project_name")) or self.region()
        if not name:
            raise configuration_error(
                f"There is no project. Give {with_names(['project_id', 'project_name', 'region'])}."
            )
        return name

    def security_token(self) -> str | None:
        """Return the security token of temporary keys. One from the environment is used only with the access key beside it."""
        given: str | None = self._options.get("security_token")
        return given or security_token_of(self.get("access_key"), self._everything)

    def limits(self) -> Limits:
        """How requests are made."""
        return Limits(**{each.name: self._options[each.name] for each in fields(Limits)})

    def region(self) -> str | None:
        """The region: of the options, of the entry of clouds.yaml, or of the environment."""
        return self._options.get("region") or self.cloud.region or self.get("region")

    def url_of(self, service: str) -> str | None:
        """The published base URL of a service (``drs``, ``iam``) in the region."""
        region = self.region()
        return base_url(service, region) if region else None

    def endpoint(self) -> str:
        """The base URL of DRS."""
        endpoint = self.get("endpoint") or self.cloud.endpoint or self.url_of("drs")
        if not endpoint:
            raise configuration_error(
                "No endpoint specified. Set endpoint (the base URL of DRS), "
                f"or {with_names(['region'])} for the published one."
            )
        return self.checked_url("endpoint", endpoint)

    def auth_url(self, why: str) -> str:
        """The URL of IAM, without a slash at its end."""
        url = self._options.get("auth_url") or self.cloud.auth_url or self.get("auth_url")
        if not url:
            iam = self.url_of("iam")
            url = iam and f"{iam}/v3"
        if not url:
            raise configuration_error(f"{why} needs {with_names(['auth_url'])}, or region for the published one.")
        return self.checked_url("auth_url", url).rstrip("/")

    def checked_url(self, option: str, url: str) -> str:
        """Return a base URL; raise :class:`DrsError` for one that holds a login, or would send one in clear without leave."""
        parts = parts_of(url, ("http", "https"))
        if parts is None:
            raise configuration_error(
                # What comes before an @ may be a login.
                f"{option} must be a URL that begins with https:// or http://, not {self.redact.text(url.rpartition('@')[2])}."
            )
        if parts.username or parts.password or parts.query or parts.fragment:
            raise configuration_error(f"{option} must be a plain base URL, without a login, a query or a fragment.")
        if (
            parts.scheme == "http"
            and not _is_this_machine(parts.hostname or "")
            and not self._options.get("allow_http")
        ):
            raise configuration_error(
                f"{option} begins with http:// and is on another machine, so the login would be sent in clear. "
                "Use https://, or set allow_http to true."
            )
        return url


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _verify(options: Mapping[str, Any], environ: Mapping[str, str], cloud: Cloud) -> bool | str:
    """What certificates are verified with: True for the usual authorities, False for not at all, or a path."""
    if not options["validate_certs"]:
        return False
    if cloud.verify is False and not options.get("ca_path"):
        return False
    sources = {
        "ca_path": options.get("ca_path"),
        "cacert of clouds.yaml": cloud.verify if isinstance(cloud.verify, str) else None,
        "OS_CACERT": from_environment("ca_path", environ),
        "REQUESTS_CA_BUNDLE": environ.get("REQUESTS_CA_BUNDLE"),
    }
    source, path = next(((source, path) for source, path in sources.items() if path), ("", True))
    if path is not True and not os.access(path, os.R_OK):
        raise configuration_error(f"{source}: cannot read {path}.")
    return path
