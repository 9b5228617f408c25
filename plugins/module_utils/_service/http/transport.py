# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One HTTP exchange: bounded in time and size, without redirects, with one kind of error.

This is the only file that imports ``requests``; the others take what they need from here.
"""

from __future__ import annotations

import http.client
import io
import re
import traceback
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

from ..._job.errors import DrsError, Kind, configuration_error, cut
from ..._job.text import printable
from .proxies import Proxies, Proxy
from .redaction import Redactor
from .time_limit import Exchange, Pieces, bounded, current

__all__ = [
    "REQUESTS_IMPORT_ERROR",
    "Answer",
    "AuthBase",
    "host_of",
    "new_session",
    "requests",
    "send",
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
# What zlib takes for both gzip and deflate.
_ANY_HEADER = 47
_ENCODINGS = ("gzip", "x-gzip", "deflate")
# The part of the time of a request in which one address of a host takes a connection, or another one is tried.
_TO_CONNECT = 0.5
# Interim answers (1xx) before the one that counts.
_MOST_INTERIM = 20


@dataclass(frozen=True)
class Answer:
    """An HTTP answer with its whole body, decompressed, and the request as it was sent."""

    status: int
    # Not shown by repr(): a server may echo our secrets in them.
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request: Any = field(repr=False)


class _FinalResponse(http.client.HTTPResponse):
    """A response, or that of a proxy to CONNECT, that arrives in the time of its exchange.

    It skips interim answers: http.client takes all but a 100 for the answer, and the answer for that to the next request.
    """

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        exchange = current()
        exchange.begun = True
        self.fp = io.BufferedReader(Pieces(self.fp.detach(), sock, exchange))

    def _read_status(self) -> tuple[str, int, str]:
        for _interim in range(_MOST_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 <= status < 200 or status == 101:
                return version, status, reason
            http.client.parse_headers(self.fp)
        raise http.client.BadStatusLine("too many interim answers")

    def begin(self) -> None:
        super().begin()
        # Said several times it may be one that a cache or an attacker added. urllib3 would leave a socket open.
        lengths = {each.strip() for said in self.headers.get_all("Content-Length", ()) for each in said.split(",")}
        if len(lengths) > 1 or not all(each.isascii() and each.isdigit() for each in lengths):
            raise http.client.HTTPException("the Content-Length makes no sense")


def _read_with_care(manager: Any) -> None:
    """Let a manager of connections, to a host or through a proxy of any kind, read responses as :class:`_FinalResponse`."""
    manager.pool_classes_by_scheme = {
        scheme: type(
            pool.__name__,
            (pool,),
            {"ConnectionCls": type("_Connection", (pool.ConnectionCls,), {"response_class": _FinalResponse})},
        )
        for scheme, pool in manager.pool_classes_by_scheme.items()
    }


class _Adapter(HTTPAdapter):
    """Reads whole answers in a bounded time and of a bounded size.

    Here everything passes: the requests of the client, the logins of keystoneauth1, and what some of those, as by SAML or
    Kerberos, send by themselves while an answer arrives, also to other hosts.
    """

    def __init__(self, proxies: Proxies, parallel: int) -> None:
        self._proxies_in_use = proxies
        # As many connections are kept open as requests are under way at once.
        super().__init__(pool_connections=4, pool_maxsize=parallel, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _read_with_care(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            _read_with_care(manager)
        return manager

    def send(self, request: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        url, exchange = str(request.url), current()
        where, proxy = host_of(url), self._proxies_in_use.of(url)
        kwargs |= {"stream": True, "proxies": {urlsplit(url).scheme: proxy.url} if proxy else {}}
        # What a login needs are several requests, which have this time together. A connection gets a part of it, since of the
        # addresses of a host the first may be silent, as IPv6 that leads nowhere.
        left = exchange.left
        kwargs["timeout"] = (left * _TO_CONNECT, left)
        if left <= 0:
            raise _timed_out(where, exchange.seconds)
        response = super().send(request, **kwargs)
        try:
            # Not `content`, which decompresses without a bound.
            response._content = _read(response.raw, response.headers, where)
        finally:
            response.close()
        return response


class _Session(requests.Session if requests else object):  # type: ignore[misc]
    """A session that follows nobody: it does not even parse where a redirect points to.

    Whatever fails is a :class:`DrsError`: ``network`` for no connection and a time-out, ``protocol`` for an answer that is
    cut short, too large or cannot be read, ``configuration`` for a URL that cannot be used: only before anything was sent.
    """

    def __init__(self, proxies: Proxies, redact: Redactor) -> None:
        super().__init__()
        self._proxies_in_use, self._redact = proxies, redact

    def get_redirect_target(self, resp: Any) -> None:
        """None, whatever the response says."""

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        try:
            prepared: requests.PreparedRequest = super().prepare_request(request)
        except ValueError as error:
            raise self._told(error, request.url) from None
        return prepared

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        try:
            response: requests.Response = super().send(request, **kwargs)
        except Exception as error:
            # `from None`: the text of the cause may quote a header, and so a secret.
            raise self._told(error, str((getattr(error, "request", None) or request).url)) from None
        if current().expired:
            # What was read may look complete.
            raise _timed_out(host_of(str(request.url)), current().seconds)
        return response

    def _told(self, error: Exception, url: str) -> DrsError:
        exchange, where = current(), host_of(url)
        if exchange.expired:
            return _timed_out(where, exchange.seconds)
        if isinstance(error, DrsError):
            return error
        cause = cut(printable(self._redact.text(_cause(error))))
        proxy = self._proxies_in_use.of(url) if isinstance(error, requests.exceptions.ProxyError) else None
        return _as_drs_error(error, cause, where, exchange, proxy)


def new_session(*, verify: bool | str, proxies: Proxies, parallel: int, redact: Redactor) -> requests.Session:
    """A session that verifies as told, keeps its connections, takes no cookies and reads nothing of the environment."""
    session: requests.Session = _Session(proxies, redact)
    adapter = _Adapter(proxies, parallel)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.verify = verify
    # The proxies of the environment are known already.
    session.trust_env = False
    if verify is False:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    session.headers["User-Agent"] = "ansible-collection-cutover.drs"
    # The v5 list is a GET, which a shared cache may answer: with what was so before a subtask began.
    session.headers["Cache-Control"] = "no-cache, no-store"
    # What can be decompressed here.
    session.headers["Accept-Encoding"] = "gzip, deflate"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    # With an `auth` of any kind requests does not look for credentials in ~/.netrc.
    session.auth = lambda request: request
    return session


def send(session: requests.Session, request: requests.Request, timeout: float) -> Answer:
    """Send one request and read its whole answer within ``timeout`` seconds. Raises :class:`DrsError`."""
    with bounded(timeout):
        response = session.send(session.prepare_request(request), allow_redirects=False)
    return Answer(response.status_code, response.headers, response.content, response.request)


def _read(raw: Any, headers: Mapping[str, str], where: str) -> bytes:
    """The whole body of a response, decompressed and bounded."""
    encoding = headers.get("Content-Encoding", "").strip().lower() or "identity"
    received = raw.stream(_CHUNK, decode_content=False)
    body = _bounded(received if encoding not in _ENCODINGS else _inflated(received, where), where)
    promised = headers.get("Content-Length", "")
    if promised.isascii() and promised.isdigit() and raw.tell() < int(promised):
        raise _cut_short(f"after {raw.tell()} of {promised} bytes", where)
    status = raw.status
    if 200 <= status < 300 and status != 204 and not (body or promised or "Transfer-Encoding" in headers):
        # An answer that ends inside of its head looks like a whole one without a body. Of an error the status says enough.
        raise _cut_short("before its body", where)
    return body


def _bounded(parts: Iterable[bytes], where: str) -> bytes:
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > MAX_BODY:
            raise DrsError(
                Kind.PROTOCOL,
                f"The response of {where} is larger than {MAX_BODY // 1024 // 1024} MiB.",
                repeatable=True,
            )
    return bytes(body)


def _inflated(parts: Iterable[bytes], where: str) -> Iterator[bytes]:
    """What these parts are decompressed, a piece at a time: a kilobyte may become a megabyte."""
    inflater, begun = zlib.decompressobj(_ANY_HEADER), False
    try:
        for part in parts:
            rest = part
            while rest:
                if inflater.eof:
                    # Another member, after padding.
                    rest = rest.lstrip(b"\0")
                    if not rest:
                        break
                    inflater = zlib.decompressobj(_ANY_HEADER)
                begun = True
                yield inflater.decompress(rest, _CHUNK)
                rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
        while begun and not inflater.eof:
            # What was kept back for its length.
            piece = inflater.decompress(b"", _CHUNK)
            if not piece:
                raise _cut_short("in the middle of what is compressed", where)
            yield piece
    except zlib.error as error:
        message = f"The response of {where} is not compressed as it says: {error}."
        raise DrsError(Kind.PROTOCOL, message, repeatable=True) from None


def _cut_short(how: str, where: str) -> DrsError:
    return DrsError(Kind.PROTOCOL, f"The response of {where} was cut short {how}.", repeatable=True)


def _timed_out(where: str, timeout: float) -> DrsError:
    message = f"No complete response from {where} within {round(timeout, 2):g} s. Check the network, or raise request_timeout."
    return DrsError(Kind.NETWORK, message, repeatable=True)


def _as_drs_error(error: Exception, cause: str, where: str, exchange: Exchange, proxy: Proxy | None) -> DrsError:
    """What requests or urllib3 raised for a request to the host ``where``, as the one kind of error."""
    # What goes wrong once a response is awaited is not the fault of an option.
    if isinstance(error, ValueError) and not exchange.begun:
        if isinstance(error, (requests.exceptions.InvalidHeader, UnicodeError)):
            return configuration_error("A credential contains a character that is not allowed in an HTTP header.")
        # Not said in the words of the parser, which quotes the URL.
        return configuration_error(f"The URL of {where}, or of the proxy, cannot be used.")
    if isinstance(error, (requests.exceptions.SSLError, urllib3.exceptions.SSLError)):
        if "CERTIFICATE" not in cause.upper():
            message = f"No TLS connection to {where}: {cause}. Check this address, its port and the proxy."
            return DrsError(Kind.NETWORK, message, repeatable=True)
        message = (
            f"The TLS certificate of {where} was refused: {cause}. "
            "Give the file of the certificate authority as ca_path if it is a private one."
        )
        return DrsError(Kind.NETWORK, message, final=True)
    if isinstance(error, requests.exceptions.ProxyError) and proxy:
        asks = " 407 " in cause
        source = "the option proxy" if proxy.source == "proxy" else proxy.source
        advice = (
            f"The proxy requires a login; put user and password into the URL of {source}."
            if asks
            else f"Check {source}."
        )
        message = f"Cannot reach {where} through the proxy at {proxy.host}: {cause}. {advice}"
        # Not repeated at once when it asks for a login: too many wrong ones lock an account.
        return DrsError(Kind.NETWORK, message, repeatable=not asks)
    if isinstance(error, requests.exceptions.ConnectTimeout):
        seconds = round(exchange.seconds * _TO_CONNECT, 2)
        message = f"No connection to {where} within {seconds:g} s. Check the network, or raise request_timeout."
        return DrsError(Kind.NETWORK, message, repeatable=True)
    if isinstance(error, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)):
        return _timed_out(where, exchange.seconds)
    if isinstance(error, urllib3.exceptions.ProtocolError):
        # Of a body: what breaks before is an error of requests.
        return _cut_short(f"({cause})", where)
    if exchange.begun and not isinstance(error, requests.exceptions.ConnectionError):
        message = (
            f"The response of {where} cannot be read: {cause}. Probably a proxy or firewall answered or changed it."
        )
        return DrsError(Kind.PROTOCOL, message, repeatable=True)
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
