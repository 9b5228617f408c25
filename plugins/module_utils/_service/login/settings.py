# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a plugin and the environment behind them, for one method of login."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from ..._job.errors import configuration_error
from ..http.redaction import Redactor
from ..http.retries import Limits
from ..options import from_environment, one_family, secrets, security_token_of
from .clouds import Cloud, load_cloud
from .methods import method_of, with_names
from .regions import base_url


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
        self.method = method_of(options, environ)
        self.cloud = load_cloud(self.get("cloud"), options, self.redact) if self.method.name == "clouds.yaml" else None
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
        if self._options.get("project_name") or self.method.name == "clouds.yaml":
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
