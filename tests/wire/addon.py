# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spoils the wire as a file says. Runs inside of mitmproxy, in its own environment.

WIRE_FOLDER holds `fault.json`: {"id", "kind", "requests", "on": [numbers], "answer": base64}. What is counted are
requests whose path, with a blank after it, matches `requests` and, for the kinds that begin with `tls`, handshakes; the
counting begins anew with each id. To `log` goes a line for each.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import socket
import struct
from pathlib import Path

from mitmproxy import connection, ctx, http, tcp, tls

FOLDER = Path(os.environ["WIRE_FOLDER"])


class Wire:
    """Counts the requests of an operation, and strikes when it should."""

    def __init__(self) -> None:
        self.id = ""
        self.numbers: dict[str, int] = {}
        self.struck: dict[str, str] = {}
        self.answer = b""

    def next(self, counted: str, request: str = "") -> str | None:
        """Return the fault that a request (http, tcp) or a handshake (tls) meets, None if it does not count."""
        fault = json.loads((FOLDER / "fault.json").read_text(encoding="utf-8"))
        if request and not re.search(fault["requests"], request):
            return None
        if fault["id"] != self.id:
            self.id, self.numbers = fault["id"], {}
        number = self.numbers[counted] = self.numbers.get(counted, 0) + 1
        self.answer = base64.b64decode(fault["answer"])
        kind: str = fault["kind"] if number in fault["on"] and fault["kind"].startswith(counted) else ""
        with (FOLDER / "log").open("a", encoding="utf-8") as log:
            log.write(f"{self.id} {counted} {kind or '-'}\n")
        return kind

    # What understands HTTP.

    async def request(self, flow: http.HTTPFlow) -> None:
        kind = self.next("http", f"{flow.request.path} ")
        if kind is None:
            return
        self.struck[flow.id] = kind
        if kind == "http-dropped":
            flow.kill()
        elif kind == "http-proxy-login":
            challenge = {"Proxy-Authenticate": 'Basic realm="the proxy"'}
            flow.response = http.Response.make(407, b"A login, please", challenge)
        elif kind == "http-502":
            flow.response = http.Response.make(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"})

    async def response(self, flow: http.HTTPFlow) -> None:
        kind = self.struck.pop(flow.id, "")
        response = flow.response
        if response is None or not kind:
            return
        if kind == "http-answer-dropped":
            flow.kill()
        elif kind == "http-delayed":
            await asyncio.sleep(2)
        elif kind == "http-page":
            response.content, response.headers["Content-Type"] = b"<html>Sign in</html>", "text/html"
        elif kind == "http-empty":
            response.content = b""
        elif kind == "http-length-too-small":
            response.headers["Content-Length"] = str(len(response.raw_content or b"") // 2)
            response.headers["Connection"] = "close"
        elif kind == "http-not-compressed":
            response.headers["Content-Encoding"] = "gzip"
        elif kind == "http-redirect":
            response.status_code, response.headers["Location"] = 302, "https://elsewhere.example.com/"

    # What sees bytes alone.

    async def tcp_message(self, flow: tcp.TCPFlow) -> None:
        message = flow.messages[-1]
        if message.from_client:
            kind = self.next("tcp", message.content.decode("latin-1"))
            if kind is not None:
                self.struck[flow.id] = kind
            return
        kind = self.struck.pop(flow.id, "")
        if kind == "tcp-reset":
            self.reset(self.writer(flow.client_conn))
        elif kind == "tcp-silence":
            message.content = b""
        elif kind == "tcp-cut-in-head":
            self.cut(flow, message.content[:40])
        elif kind == "tcp-cut-in-body":
            self.cut(flow, message.content[:-20])
        elif kind == "tcp-garbage":
            message.content = b"\x00\xff" * 50 + b"\r\n\r\n"
        elif kind in ("tcp-trickle", "tcp-throttled"):
            # A byte each 0.1 s, or 50 at once each 0.3 s: bytes keep coming, the end does not in time.
            step, pause = (1, 0.1) if kind == "tcp-trickle" else (50, 0.3)
            content, message.content = message.content, b""
            asyncio.get_running_loop().create_task(self.drip(flow, content, step, pause))
        elif kind == "tcp-answered-twice":
            message.content *= 2
        elif kind == "tcp-answer":
            self.cut(flow, self.answer)
        elif kind == "tcp-closed-after":
            self.cut(flow, message.content)

    # The first bytes of TLS.

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        kind = self.next("tls")
        if kind == "tls-reset":
            self.reset(self.writer(data.context.client))
        elif kind:
            writer = self.writer(data.context.client)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" if kind == "tls-garbage" else b"")
            writer.close()

    def cut(self, flow: tcp.TCPFlow, content: bytes) -> None:
        """Let these bytes through and end the connection."""
        writer = self.writer(flow.client_conn)
        writer.write(content)
        flow.messages[-1].content = b""
        writer.close()

    async def drip(self, flow: tcp.TCPFlow, content: bytes, step: int, pause: float) -> None:
        writer = self.writer(flow.client_conn)
        for place in range(0, len(content), step):
            if writer.is_closing():
                break
            writer.write(content[place : place + step])
            await asyncio.sleep(pause)

    def reset(self, writer: asyncio.StreamWriter) -> None:
        """RST instead of an orderly end."""
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    def writer(self, client: connection.Client) -> asyncio.StreamWriter:
        """Return the stream to the client, which mitmproxy keeps to itself."""
        for handler in ctx.master.addons.get("proxyserver").connections.values():
            for side, stream in handler.transports.items():
                if side.id == client.id and stream.writer is not None:
                    return stream.writer
        raise LookupError("no such connection")


addons = [Wire()]
