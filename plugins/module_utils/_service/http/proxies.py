# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which proxy a request goes through: that of the option, or of the environment, read and checked alike.

``requests`` would read the environment by itself, and then nobody knows the password that is in it.
"""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

from ..._job.errors import configuration_error
from .redaction import Redactor

_SCHEMES = ("http", "https", "socks5", "socks5h")


@dataclass(frozen=True)
class Proxy:
    """A proxy, and the option or variable that names it. ``wrong`` says why it cannot be used, empty if it can."""

    source: str
    # Not shown by repr(): it may hold a password.
    url: str = field(repr=False)
    wrong: str = ""

    @property
    def host(self) -> str:
        """Host and port, which is all of it that may be shown."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


@dataclass(frozen=True)
class Proxies:
    """The proxies by the scheme of the request, and the hosts that are reached without one."""

    by_scheme: Mapping[str, Proxy]
    without: str = ""

    def of(self, url: str) -> Proxy | None:
        """The proxy for a URL. Raises :class:`DrsError` of kind ``configuration`` for one that cannot be used."""
        parts = urlsplit(url)
        proxy = self.by_scheme.get(parts.scheme)
        if proxy is None or self._bypassed(parts.hostname or "", parts.port):
            return None
        if proxy.wrong:
            raise configuration_error(f"{proxy.source} {proxy.wrong}")
        return proxy

    def _bypassed(self, host: str, port: int | None) -> bool:
        entries = [entry.strip() for entry in self.without.split(",") if entry.strip()]
        return any(_matches(entry.lower(), host.lower(), port) for entry in entries)


def _matches(entry: str, host: str, port: int | None) -> bool:
    """Whether an entry of ``NO_PROXY`` means a host: all, a name or an end of it, with or without a port, a network."""
    name = entry.removeprefix("*").lstrip(".")
    if entry == "*" or any(each == name or each.endswith(f".{name}") for each in (host, f"{host}:{port}") if name):
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False


def read_proxies(option: str | None, environ: Mapping[str, str], redact: Redactor) -> Proxies:
    """The proxies of the option ``proxy``, which is for every host, or of the environment. Their passwords become known."""
    if option:
        proxy = _proxy("proxy", option, redact)
        return Proxies({"http": proxy, "https": proxy})
    found = {}
    for scheme in ("http", "https"):
        for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY"):
            # In a CGI program HTTP_PROXY is a header of whoever asks.
            if environ.get(name) and not (name == "HTTP_PROXY" and "REQUEST_METHOD" in environ):
                found[scheme] = _proxy(name, environ[name], redact)
                break
    return Proxies(found, environ.get("no_proxy") or environ.get("NO_PROXY") or "")


def _proxy(source: str, given: str, redact: Redactor) -> Proxy:
    url = given.strip() if "://" in given else f"http://{given.strip()}"
    login, _at, rest = url.partition("://")[2].rpartition("@")
    _make_known(login, redact)
    if any(char in f"{login}@{rest.removesuffix('/')}" for char in "/?#"):
        return Proxy(
            source,
            url,
            "must have no path, no query and no fragment. If these characters are in its login, percent-encode the password.",
        )
    if parts_of(url, _SCHEMES) is None:
        return Proxy(source, url, "is not a URL such as http://proxy.example.com:3128.")
    try:
        unquote(login, errors="strict").encode("latin-1")
    except UnicodeError:
        return Proxy(source, url, "has a login with a character that is not allowed in an HTTP header.")
    return Proxy(source, url.removesuffix("/"))


def parts_of(url: str, schemes: Collection[str]) -> SplitResult | None:
    """The parts of a URL that has one of these schemes and a host, None for what cannot be used."""
    try:
        parts = urlsplit(url)
        # A port that is none is found out when it is looked at.
        return parts if parts.scheme in schemes and parts.hostname and parts.port is not False else None
    except ValueError:
        return None


def _make_known(login: str, redact: Redactor) -> None:
    """What is secret in the login of a URL: as it stands there, as it is, and as it is sent."""
    user, _colon, password = login.partition(":")
    if not login:
        return
    # A user without a password is a token.
    redact.add(password or user, unquote(password or user))
    sent = f"{unquote(user)}:{unquote(password)}"
    for encoding in ("utf-8", "latin-1"):
        redact.add(b64encode(sent.encode(encoding, "replace")).decode())
