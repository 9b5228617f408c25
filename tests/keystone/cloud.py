# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keystone as a program, and the gateway in front of the simulator that asks it about every token."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

from ansible_collections.cutover.drs.tests.unit.service.support import end
from drs_simulator import Simulator

SERVE = Path(__file__).resolve().parent / "serve.py"
# Prepared by the simulator: what the gateway behind Keystone says instead of the token it checked.
INNER_TOKEN = "simulated-token"


@dataclass(frozen=True)
class Account:
    """Who logs in, and where to."""

    username: str
    password: str
    user_id: str
    project_id: str
    project_name: str

    def options(self, auth_url: str) -> dict[str, Any]:
        """Return a password login, without the project."""
        user = {"username": self.username, "password": self.password, "user_domain_name": "Default"}
        return {"auth_url": auth_url, **user}


class Keystone:
    """Keystone, served from one folder; several may serve the same one with tokens of different lives."""

    def __init__(self, python: Path, folder: Path, *, seconds: int, password: str | None = None) -> None:
        self._python, self._folder, self._seconds = python, folder, seconds
        self._password = password or secrets.token_hex(8)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None
        self.auth_url = f"http://127.0.0.1:{self._port}/v3"

    def beside(self, *, seconds: int) -> Keystone:
        """Another server of the same users and keys."""
        return Keystone(self._python, self._folder, seconds=seconds, password=self._password)

    def _command(self, *arguments: object) -> list[str]:
        return [str(self._python), str(SERVE), *map(str, arguments)]

    def set_up(self) -> None:
        """Make keys, tables and the user admin."""
        made = self._command("set-up", self._folder, self._password)
        done = subprocess.run(
            made, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + (self._folder / "keystone.log").read_text()

    def start(self) -> None:
        """Serve, and return once it answers."""
        self._process = subprocess.Popen(
            self._command("serve", self._folder, self._port, self._seconds),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        patience = time.monotonic() + 180
        while True:
            with suppress(requests.ConnectionError):
                requests.get(self.auth_url, timeout=30)
                return
            assert self._process.poll() is None, "Keystone ended"
            assert time.monotonic() < patience, "Keystone does not answer"
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server; its users and keys stay."""
        if self._process:
            end(self._process, 30)
            self._process = None

    def _admin(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        user = {"name": "admin", "password": self._password, "domain": {"name": "Default"}}
        scope = {"project": {"name": "admin", "domain": {"name": "Default"}}}
        login = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": scope}}
        token = requests.post(f"{self.auth_url}/auth/tokens", json=login, timeout=30).headers["X-Subject-Token"]
        headers = {"X-Auth-Token": token, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = requests.request(method, self.auth_url + path, json=body, headers=headers, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def new_account(self, username: str, project_name: str) -> Account:
        """Return a user with the role member in a project of their own."""
        project = self._admin("POST", "/projects", {"project": {"name": project_name, "domain_id": "default"}})
        password = secrets.token_urlsafe(12)
        user = {"name": username, "password": password, "domain_id": "default"}
        made = self._admin("POST", "/users", {"user": user})
        [role] = self._admin("GET", "/roles?name=member")["roles"]
        account = Account(username, password, made["user"]["id"], project["project"]["id"], project_name)
        self._admin("PUT", f"/projects/{account.project_id}/users/{account.user_id}/roles/{role['id']}")
        return account

    def change_password(self, account: Account) -> None:
        """Give the user another one, which also ends the tokens they have."""
        self._admin("PATCH", f"/users/{account.user_id}", {"user": {"password": secrets.token_urlsafe(12)}})

    def withdraw(self, token: str) -> None:
        """End a token before its time."""
        self._admin("DELETE", "/auth/tokens", X_Subject_Token=token)

    def project_of(self, token: str) -> str | None:
        """Return the project of a token that holds; None for one that does not."""
        headers = {"X-Auth-Token": token, "X-Subject-Token": token}
        answer = requests.get(f"{self.auth_url}/auth/tokens", headers=headers, timeout=30)
        project: str | None = answer.json()["token"].get("project", {}).get("id") if answer.ok else None
        return project


class DRS:
    """A gateway in front of the simulator, as the real service has one.

    It asks Keystone about the token of every request, and hands what holds on to the simulator
    with a token of the simulator's own. ``tokens`` has each token that came, in order, and
    ``refused`` how many requests got a 401.
    """

    def __init__(self, keystone: Keystone, simulator: Simulator) -> None:
        self.simulator = simulator
        self.tokens: list[str] = []
        self.refused = 0
        self._counting = threading.Lock()
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = gateway._answer(keystone, self.path, self.headers.get("X-Auth-Token", ""), body)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_message: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> DRS:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, keystone: Keystone, path: str, token: str, body: bytes) -> tuple[int, bytes]:
        with self._counting:
            if token not in self.tokens:
                self.tokens.append(token)
        project = keystone.project_of(token)
        if project is None or f"/{project}/" not in path:
            with self._counting:
                self.refused += 1
            refusal = {"error_code": "APIGW.0307", "error_msg": "The token must be updated", "request_id": "r"}
            return 401, json.dumps(refusal).encode()
        headers = {"X-Auth-Token": INNER_TOKEN, "Content-Type": "application/json"}
        answer = requests.post(self.simulator.endpoint + path, data=body, headers=headers, timeout=30)
        return answer.status_code, answer.content
