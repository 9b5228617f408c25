# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What something else than the service may answer, byte for byte."""

from __future__ import annotations

import gzip

PAGE = b"<html><body>Zugriff verweigert \xfc</body></html>"


def page(status: int, *headers: bytes, body: bytes = PAGE) -> bytes:
    lines = [f"HTTP/1.1 {status} Something".encode(), b"Server: CloudWAF", b"Content-Type: text/html", *headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"Connection: close", b"", body])


def raw(*lines: bytes) -> bytes:
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Server: CloudWAF", b"Connection: close", *lines])


FOREIGN: dict[str, bytes] = {
    **{str(status): page(status) for status in (400, 401, 402, 403, 404, 405, 407, 408, 409, 410, 413, 418, 421)},
    **{str(status): page(status) for status in (425, 426, 429, 431, 451, 499, 500, 501, 502, 503, 504, 511, 520)},
    **{str(status): page(status) for status in (200, 201, 203, 206)},
    "204": b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    "JSON of a proxy": page(403, body=b'{"code": 403, "message": "Blocked."}'),
    "JSON of another service": page(403, body=b'{"error": {"code": 403, "message": "Blocked."}}'),
    "a list": page(400, body=b"[]"),
    "two lengths": raw(b"Content-Length: 5", b"Content-Length: 7", b"", b"hello, world"),
    "a length that is none": raw(b"Content-Length: many", b"", b"hello"),
    "a negative length": raw(b"Content-Length: -5", b"", b"hello"),
    "a broken chunk size": raw(b"Transfer-Encoding: chunked", b"", b"xyz", b"hello", b"0", b"", b""),
    "a negative chunk size": raw(b"Transfer-Encoding: chunked", b"", b"-5", b"hello", b"0", b"", b""),
    "no chunk size": raw(b"Transfer-Encoding: chunked", b"", b""),
    "a location that is none": page(302, b"Location: http://[::1"),
    "a location with a port that is none": page(302, b"Location: https://drs.example.com:port/"),
    "a location in another encoding": page(302, b"Location: http://\xff\xfe\xfc.example.com/"),
    "no location": page(307),
    "an id in another encoding": page(403, b"X-Request-Id: \xff\xfe"),
    "103 first": b"HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n" + page(418),
    "UTF-16": page(200, body='{"results": []}'.encode("utf-16")),
    "a charset that is none": page(200, b"Content-Type: application/json; charset=none-such"),
    "brotli": page(200, b"Content-Encoding: br"),
    "gzip that is none": page(403, b"Content-Encoding: gzip"),
    "gzip that is cut": page(200, b"Content-Encoding: gzip", body=gzip.compress(PAGE)[:-9]),
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a header without an end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n",
    "nothing": b"",
}
