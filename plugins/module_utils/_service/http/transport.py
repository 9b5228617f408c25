# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP exchange: bounded in time and size, without redirects, with one kind of error.

This is the only file that imports ``requests``; the others take what they need from here.
"""

from __future__ import annotations

import re
import socket
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from ..._job.errors import DrsError, Kind, configuration_error, protocol_error
from .redaction import Redactor
from .time_limit import bounded, use

__all__ = [
    "REQUESTS_IMPORT_ERROR",
    "Answer",
    "AuthBase",
    "as_drs_error",
    "host_of",
    "new_session",
    "requests",
    "send",
    "timed_out",
    "urllib3",
]

REQUESTS_IMPORT_ERROR: str | None = None
try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.auth import AuthBase
except ImportError:
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
    # The other files import these names from here, and must load to say what is missing.
    requests = urllib3 = None  # type: ignore[assignment]
    AuthBase = HTTPAdapter = object  # type: ignore[assignment,misc]

# An answer about 100 jobs has some 50 KiB; what is a thousand times larger is something else.
MAX_BODY = 64 * 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Answer:
    """An HTTP answer with its whole body, decompressed, and the request as it was sent."""

    status: int
    # Not shown by repr(): a server may echo our secrets in them.
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request: Any = field(repr=False)


class _KnownSocket:
    """Mixed into a connection: tells which socket the request of this thread goes through."""

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        # Known this early for the sake of a proxy, whose answer to CONNECT is read in connect().
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        try:
            use(sock)
        except TimeoutError:
            sock.close()
            raise
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()  # type: ignore[misc]
        use(self.sock)

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        use(self.sock)

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        use(self.sock)
        super().putrequest(*args, **kwargs)  # type: ignore[misc]


def _tell_sockets(manager: Any) -> None:
    """Let a manager of connections, to a host or through a proxy of any kind, make only such whose socket is known."""
    manager.pool_classes_by_scheme = {
        scheme: type(
            pool.__name__, (pool,), {"ConnectionCls": type("_Connection", (_KnownSocket, pool.ConnectionCls), {})}
        )
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


class _Adapter(HTTPAdapter):
    """Keeps ``parallel`` connections open and hands out connections whose socket is known."""

    def __init__(self, parallel: int) -> None:
        super().__init__(pool_connections=4, pool_maxsize=parallel, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _tell_sockets(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            _tell_sockets(manager)
        return manager


def new_session(*, verify: bool | str, proxy: str | None, parallel: int) -> requests.Session:
    """A session that verifies as told, keeps its connections, takes no cookies and reads no ``.netrc``."""
    session = requests.Session()
    adapter = _Adapter(parallel)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.verify = verify
    if proxy:
        session.proxies = {"http": proxy, "https": proxy}
    # With a proxy of ours requests would prefer those of the environment; if there are none, it would
    # search the environment three times a request.
    session.trust_env = not proxy and bool(getproxies())
    if verify is False:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    session.headers["User-Agent"] = "ansible-collection-cutover.drs"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # With an `auth` of any kind requests does not look for credentials in ~/.netrc.
    session.auth = _unchanged
    return session


def _unchanged(request: Any) -> Any:
    return request


def send(session: requests.Session, request: requests.Request, timeout: float, redact: Redactor) -> Answer:
    """Send one request and read its whole answer within ``timeout`` seconds.

    Raises :class:`DrsError`: ``network`` for no connection and a time-out, ``protocol`` for an
    answer that is cut short or too large, ``configuration`` for a URL that cannot be used.
    """
    where = host_of(request.url)
    try:
        # Outside of the bound: a login that this needs has its own.
        prepared = session.prepare_request(request)
        with bounded(timeout) as exchange:
            try:
                response = session.send(prepared, timeout=timeout, allow_redirects=False, stream=True)
                with response:
                    answer = Answer(response.status_code, response.headers, _read(response, where), response.request)
            finally:
                if exchange.expired:
                    raise timed_out(where, timeout) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        # `from None`: the text of the cause may quote a header, and so a secret.
        raise as_drs_error(error, where, timeout, session, redact) from None
    return answer


def _read(response: requests.Response, where: str) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > MAX_BODY:
            raise protocol_error(f"The response of {where} is larger than {MAX_BODY // 1024 // 1024} MiB.")
    promised = response.headers.get("Content-Length", "")
    received = response.raw.tell()
    if promised.isascii() and promised.isdigit() and received < int(promised):
        raise _cut_short(f"after {received} of {promised} bytes", where)
    status = response.status_code
    if 200 <= status < 300 and status != 204 and not (body or promised or "Transfer-Encoding" in response.headers):
        # An answer that ends inside of its head looks like a whole one without a body. Of an error the status says enough.
        raise _cut_short("before its body", where)
    return bytes(body)


def _cut_short(how: str, where: str) -> DrsError:
    return DrsError(Kind.PROTOCOL, f"The response of {where} was cut short {how}.", repeatable=True)


def timed_out(where: str, timeout: float) -> DrsError:
    message = f"No complete response from {where} within {timeout:g} s. Check the network, or raise request_timeout."
    return DrsError(Kind.NETWORK, message, repeatable=True)


def as_drs_error(error: Exception, where: str, timeout: float, session: requests.Session, redact: Redactor) -> DrsError:
    """What requests raised for a request to the host ``where``, as the one kind of error."""
    cause = redact.text(_cause(error))
    if isinstance(error, (requests.exceptions.InvalidHeader, UnicodeError)):
        return configuration_error("A credential holds a character that no HTTP header can carry.")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidProxyURL, ValueError)):
        return configuration_error(f"The URL of {where}, or of the proxy, cannot be used: {cause}.")
    if isinstance(error, requests.exceptions.SSLError):
        if "CERTIFICATE" not in cause.upper():
            message = f"No TLS connection to {where}: {cause}. Check the endpoint, its port and the proxy."
            return DrsError(Kind.NETWORK, message, repeatable=True)
        message = (
            f"The TLS certificate of {where} was refused: {cause}. "
            "Give the file of the certificate authority as ca_path if it is a private one."
        )
        return DrsError(Kind.NETWORK, message, final=True)
    if isinstance(error, requests.exceptions.ProxyError):
        proxies = session.proxies
        proxy = f"at {host_of(proxies['https'])}" if proxies else "from the environment"
        asks = " 407 " in cause
        advice = "It asks for a login: put it into the URL." if asks else "Check the option proxy."
        message = f"The proxy {proxy} gives no connection to {where}: {cause}. {advice}"
        return DrsError(Kind.NETWORK, message, repeatable=not asks, final=asks)
    # In the middle of a body requests calls a time-out a lost connection.
    if isinstance(error, requests.exceptions.Timeout) or any(
        isinstance(inner, urllib3.exceptions.TimeoutError) for inner in error.args
    ):
        return timed_out(where, timeout)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return _cut_short(f"({cause})", where)
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return protocol_error(f"The response of {where} is not compressed as it says: {cause}.")
    return DrsError(
        Kind.NETWORK,
        f"No connection to {where}: {cause}. Check the URL, the network and the proxy.",
        repeatable=True,
    )


def host_of(url: str) -> str:
    """Host and port of a URL: the rest may hold credentials."""
    return urlsplit(url).netloc.rpartition("@")[2] or url


def _cause(error: BaseException) -> str:
    """The innermost reason in what requests and urllib3 wrap around it, as one short phrase."""
    for _depth in range(10):
        candidates = (getattr(error, "reason", None), *error.args, error.__cause__)
        inner = next((cause for cause in candidates if isinstance(cause, BaseException)), None)
        if inner is None:
            break
        error = inner
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return re.sub(r"<?[\w.]*(\(.*?\))? ?object at 0x[0-9a-f]+>?(: )?", "", text).strip().rstrip(".")
