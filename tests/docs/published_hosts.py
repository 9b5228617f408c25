# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts that the documentation names, played by the simulator: no text has to be changed to be run.

A proxy takes each CONNECT to a published host name of DRS or IAM, answers with a certificate of a private authority
for that name, and hands what was in the tunnel to the simulator. It refuses every other host, so that nothing in the
documentation can reach the network.
"""

from __future__ import annotations

import re
import socket
import socketserver
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import trustme

PUBLISHED = re.compile(r"(drs|iam)\.[a-z0-9-]+\.(otc\.t-systems\.com|myhuaweicloud\.(com|eu)):443")


class PublishedHosts(socketserver.ThreadingTCPServer):
    """The proxy; ``simulator`` is the address to which tunnels lead, ``ca_path`` the authority's certificate."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, simulator: tuple[str, int], ca_path: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.simulator = simulator
        self.refused: list[str] = []
        self._authority = trustme.CA()
        self._authority.cert_pem.write_to_path(str(ca_path))
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._issuing = threading.Lock()

    @property
    def url(self) -> str:
        """The proxy's URL."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def context_for(self, host: str) -> ssl.SSLContext:
        """TLS with a certificate for this host."""
        with self._issuing:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]


class _Tunnel(socketserver.BaseRequestHandler):
    server: PublishedHosts

    def handle(self) -> None:
        target = _first_line(self.request).split(" ")[1]
        if not PUBLISHED.fullmatch(target):
            self.server.refused.append(target)
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        context = self.server.context_for(target.partition(":")[0])
        with (
            suppress(OSError),
            context.wrap_socket(self.request, server_side=True) as inside,
            socket.create_connection(self.server.simulator) as simulator,
        ):
            answers = threading.Thread(target=_pump, args=(simulator, inside), daemon=True)
            answers.start()
            _pump(inside, simulator)
            answers.join(5)


def _first_line(sock: Any) -> str:
    head = b""
    while b"\r\n\r\n" not in head:
        received = sock.recv(4096)
        if not received:
            break
        head += received
    return head.decode("latin-1").partition("\r\n")[0] + "  "


def _pump(source: Any, sink: Any) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        socket.socket.shutdown(sink, socket.SHUT_RDWR)
