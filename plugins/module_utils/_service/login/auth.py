# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways to log in, each a ``requests`` auth that puts what it has into a request."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from ..._job.errors import DrsError, Kind, cut
from ..._job.text import printable
from ..http.redaction import Redactor
from ..http.responses import refusal
from ..http.time_limit import bounded
from ..http.transport import Answer, AuthBase, host_of
from .remembered import remembered

TOKEN_HEADER = "X-Auth-Token"
ALGORITHM = "SDK-HMAC-SHA256"


class Login(AuthBase):
    """A way to log in: by default one that has all it needs, and that nothing can renew."""

    logins = 0

    def log_in(self, timeout: float) -> None:
        """Get what requests need within ``timeout`` seconds, where it is not there yet."""

    def renew(self, rejected: Any, timeout: float) -> bool:
        """Whether a request that got a 401 is worth another try, with new credentials, got within ``timeout`` seconds."""
        return False


class TokenAuth(Login):
    """A token that the user brought."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers[TOKEN_HEADER] = self._token
        return request


class AccessKeyAuth(Login):
    """Signs each request with an access key and its secret key, by ``SDK-HMAC-SHA256``.

    Source: the signing guide of Huawei Cloud's API gateway; the reference implementation is
    ``huaweicloudsdkcore.signer.signer``, against which the tests compare. Keys that are
    temporary come with a security token, which is sent and signed too.
    """

    def __init__(
        self,
        access_key: str,
        secret_key: str,
        security_token: str | None = None,
        *,
        project_id: str | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._access_key = access_key
        self._secret_key = secret_key
        self._security_token = security_token
        self._project_id = project_id
        self._now = now

    def __call__(self, request: Any) -> Any:
        url = urlsplit(request.url)
        headers = request.headers
        headers["Host"] = url.netloc.rpartition("@")[2]
        headers["X-Sdk-Date"] = self._now().strftime("%Y%m%dT%H%M%SZ")
        if self._project_id:
            headers["X-Project-Id"] = self._project_id
        if self._security_token:
            headers["X-Security-Token"] = self._security_token
        names = ("Host", "X-Sdk-Date", "X-Project-Id", "X-Security-Token")
        signed = {name.lower(): headers[name].strip() for name in names if name in headers}
        canonical = _canonical_request(request.method, url.path, url.query, signed, request.body or b"")
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"{ALGORITHM}\n{headers['X-Sdk-Date']}\n{digest}"
        signature = hmac.new(self._secret_key.encode(), to_sign.encode(), hashlib.sha256).hexdigest()
        headers["Authorization"] = (
            f"{ALGORITHM} Access={self._access_key}, SignedHeaders={';'.join(sorted(signed))}, Signature={signature}"
        )
        return request


def _canonical_request(method: str, path: str, query: str, signed: dict[str, str], body: bytes) -> str:
    # As the reference does it: an encoded slash counts as a slash, and one slash at the end is enough.
    canonical_path = quote(unquote(path), safe="/~")
    if not canonical_path.endswith("/"):
        canonical_path += "/"
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "\n".join(
        (
            method,
            canonical_path,
            "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs),
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            ";".join(sorted(signed)),
            hashlib.sha256(body).hexdigest(),
        )
    )


class KeystoneAuth(Login):
    """A login at IAM, which is Keystone v3 to its clients, by a plugin of ``keystoneauth1``.

    The token is shared by all threads, renewed before it runs out and after a 401.
    """

    def __init__(self, plugin: Any, session: Any, redact: Redactor) -> None:
        """``plugin`` and ``session`` are keystoneauth1's."""
        self.logins = 0
        self._plugin = plugin
        self._session = session
        self._redact = redact
        self._token: str | None = None
        self._previous: str | None = None
        self._lock = threading.Lock()
        # What the latest login that failed failed with.
        self._failure: DrsError | None = None
        self._remembered = remembered()
        self._remembered.restore(plugin)

    def log_in(self, timeout: float) -> None:
        """Once for all requests that are about to be sent; a token that runs out among them gets a 401, and is renewed."""
        with self._lock:
            self._current(timeout)

    def __call__(self, request: Any) -> Any:
        # The client logs in before it sends anything.
        with self._lock:
            request.headers[TOKEN_HEADER] = self._token
        return request

    def renew(self, rejected: Any, timeout: float) -> bool:
        """Log in again, unless another thread has done so, or tried to, since the rejected request was sent."""
        failure = self._failure
        with self._lock:
            if rejected.headers.get(TOKEN_HEADER) != self._token:
                return True
            if self._failure and self._failure is not failure:
                # While this thread waited: the same login would take as long once more, and fail alike.
                raise self._failure.again()
            self._plugin.invalidate()
            try:
                self._current(timeout)
            except DrsError as error:
                self._failure = error.again()
                raise
        return True

    def project_id(self, timeout: float) -> str | None:
        """The project that the login is scoped to."""
        with self._lock:
            self._current(timeout)
            return self._ask(self._plugin.get_project_id, timeout)

    @property
    def _where(self) -> str:
        # Not every plugin of a clouds.yaml has the URL of a login.
        return host_of(getattr(self._plugin, "auth_url", None) or "the login server")

    def _current(self, timeout: float) -> str:
        token = self._ask(self._plugin.get_token, timeout)
        if not token or not re.fullmatch(r"[\x21-\x7e]+", token):
            message = f"The login at {self._where} returned no token that is allowed in an HTTP header. Check auth_url."
            raise DrsError(Kind.PROTOCOL, message, repeatable=True)
        if token != self._token:
            self.logins += not self._remembered.gave(self._plugin, token)
            self._redact.add(token)
            # An answer may still echo the token before this one; older ones are of no use. A server may give one again.
            if self._previous != token:
                self._redact.forget(self._previous)
            self._previous, self._token = self._token, token
            self._remembered.keep(self._plugin)
        return token

    def _ask(self, question: Callable[[Any], str | None], timeout: float) -> str | None:
        with bounded(timeout):
            try:
                return question(self._session)
            except DrsError:
                raise
            except (AttributeError, LookupError, TypeError, ValueError, OSError):
                # keystoneauth1 reads what an answer should hold without a look at what it is.
                raise _no_login_answer(self._where, ".") from None
            except Exception as error:
                # Its plugins also raise bare exceptions, for a password that is not given for one.
                raise _login_error(error, self._where, self._redact) from None


def _no_login_answer(where: str, why: str) -> DrsError:
    message = f"The login server {where} returned no usable response{why} Probably a proxy or firewall answered. Check auth_url."
    return DrsError(Kind.PROTOCOL, message, repeatable=True)


def _login_error(error: Any, where: str, redact: Redactor) -> DrsError:
    """A failed login as the one kind of error, by what keystoneauth1 raised."""
    from keystoneauth1 import exceptions

    if isinstance(error, exceptions.HttpError) and error.response is not None:
        return _refused_login(error, where, redact)
    reason = cut(printable(redact.text(str(error)))).strip().rstrip(".")
    if isinstance(error, (exceptions.InvalidResponse, exceptions.DiscoveryFailure)):
        return _no_login_answer(where, f": {reason}.")
    return DrsError(Kind.AUTHENTICATION, f"The login at {where} failed: {reason}.")


def _refused_login(error: Any, where: str, redact: Redactor) -> DrsError:
    """An answer that is an error: a refusal only if it is one of IAM, as with any other request."""
    response = error.response
    answer = Answer(int(error.http_status or 0), response.headers, response.content, None)
    refused = refusal(answer, redact, "auth_url")
    if refused.kind not in (Kind.AUTHENTICATION, Kind.PERMISSION, Kind.INVALID_REQUEST):
        refused.args = (f"The login at {where} returned no token: {refused}",)
        return refused
    advice = "Check auth_url."
    if answer.status in (401, 403):
        advice = "Check the user, the password, the domain and the project."
    reason = refused.error_message or refused.error_code or "without a reason"
    return DrsError(
        Kind.AUTHENTICATION,
        f"The login at {where} was refused: {reason.rstrip('.')} (HTTP {answer.status}). {advice}",
        http_status=answer.status,
        error_code=refused.error_code,
        error_message=refused.error_message,
        request_id=redact.text(error.request_id) if error.request_id else refused.request_id,
    )
