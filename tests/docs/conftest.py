# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The world in which the documentation is true: an account, its jobs, and the published host names."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from ansible_collections.cutover.drs.tests.docs.published_hosts import PublishedHosts
from drs_simulator import Simulator

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]


@pytest.fixture(autouse=True)
def alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let pages that cut over follow each other: they name the same jobs, which one machine cuts over once at a time."""
    path = request.node.callspec.params.get("path") if hasattr(request.node, "callspec") else None
    text = path.read_text(encoding="utf-8") if isinstance(path, Path) else "drs_cutover"
    if "world" not in request.fixturenames or not ("drs_cutover" in text or "cutover.drs.rehearse" in text):
        yield
        return
    with (Path(tempfile.gettempdir()) / "cutover-drs-pages.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


JOBS = [
    "9a470239-2308-4bb5-a6bc-1040402fjb21",
    "dc67695a-ee3e-49b8-a022-a099bd81jb21",
    "8d0e8e36-a618-490d-8a46-8c61ac9jb502",
]
ACCOUNT = {
    "username": "migration",
    "password": "change-me",
    "domain": "OTC-EU-DE-00000000001000000000",
    "projects": [
        {"id": "054ba152d480d55b2f5dc0069e7ddef0", "name": "eu-de"},
        {"id": "7a5a2b0d3c1e4f60918273645566aabb", "name": "ap-southeast-1"},
    ],
    "tokens": ["a-token-from-iam"],
    "keys": [
        {"access_key": "AN0ACCESS0KEY", "secret_key": "a-secret-key"},
        {
            "access_key": "A0TEMPORARY0KEY",
            "secret_key": "a-temporary-secret-key",
            "security_token": "a-security-token",
        },
    ],
}
# What the reader of a page has: the variables that the playbooks there leave open.
READER = {
    "drs_jobs": JOBS[:2],
    "migration_password": ACCOUNT["password"],
    "iam_token": "a-token-from-iam",
    "access_key": "AN0ACCESS0KEY",
    "secret_key": "a-secret-key",
    "temporary_access_key": "A0TEMPORARY0KEY",
    "temporary_secret_key": "a-temporary-secret-key",
    "security_token": "a-security-token",
    "textfile_folder": "textfile",
    "ansible_python_interpreter": sys.executable,
}
# What guides mean by a login from the environment.
LOGIN = {
    "OS_REGION_NAME": "eu-de",
    "OS_USERNAME": ACCOUNT["username"],
    "OS_PASSWORD": ACCOUNT["password"],
    "OS_USER_DOMAIN_NAME": ACCOUNT["domain"],
}
# Somebody has compared everything, and it is equal.
COMPARED = [{"id": kind, "type": kind} for kind in ("lines", "contents", "object_comparison")]
SCENARIO = {
    "account": ACCOUNT,
    "time_scale": 60,
    # All have long caught up; the delay falls and rises a little where a page looks at it.
    "jobs": [{"id": job, "life": "full_incremental", "offset": 100000, "comparisons": COMPARED} for job in JOBS],
}


class Webhook(ThreadingHTTPServer):
    """What accepts the notifications of the pages, and keeps them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"
        self.messages: list[dict[str, Any]] = []


class _Hook(BaseHTTPRequestHandler):
    server: Webhook

    def do_POST(self) -> None:
        self.server.messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_arguments: object) -> None:
        """The output of pytest is not for this."""


@dataclass(frozen=True)
class World:
    """What runs the documentation: the environment for its programs, and the simulator behind it all."""

    simulator: Simulator
    hosts: PublishedHosts
    environment: dict[str, str]
    webhook: Webhook = field(default_factory=Webhook)

    def run(
        self, command: list[str], folder: Path, typed: str = "", patience: float = 240, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a folder, within ``patience`` seconds; ``typed`` is its input, ``more`` are environment variables."""
        return subprocess.run(
            command,
            cwd=folder,
            env={**self.environment, **more},
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=patience,
        )

    def play(self, playbook: str, folder: Path, *arguments: str, **more: str) -> str:
        """Run a playbook; its output. Fails the test where it fails, or where a play found no host."""
        variables = {**READER, "webhook_url": self.webhook.url}
        (folder / "reader.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
        program = [sys.executable, "-m", "ansible", "playbook", "-e", "@reader.yml", *arguments, playbook]
        done = self.run(program, folder, **more)
        assert done.returncode == 0, f"{playbook} ended with {done.returncode}:\n{done.stdout}"
        assert "no hosts matched" not in done.stdout, done.stdout
        assert not self.hosts.refused, f"the documentation wants to talk to {self.hosts.refused}"
        return done.stdout


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One simulator behind the published host names, for all pages."""
    folder = tmp_path_factory.mktemp("world")
    programs = folder / "bin"
    programs.mkdir()
    # A source that is quiet: it has no other session and no open transaction, and its position does not move.
    says = 'case "$*" in *"SHOW MASTER STATUS"*) echo "mysql-bin.000012 500";; *innodb_trx*) echo 0;; *"COUNT("*) echo 12;; esac'
    for name, answers in {"mysql": says, "psql": "echo 0", "systemctl": ""}.items():
        # What the pages do to a database and a service is written down, not done.
        program = f'#!/bin/sh\necho "{name} $*" >> "{folder}/done.log"\n{answers}\n'
        (programs / name).write_text(program, encoding="utf-8")
        (programs / name).chmod(0o755)
    # By the interpreter: the first line of an installed script cannot name a path with a space.
    for name in ("playbook", "doc"):
        program = f'#!/bin/sh\nexec "{sys.executable}" -m ansible {name} "$@"\n'
        (programs / f"ansible-{name}").write_text(program, encoding="utf-8")
        (programs / f"ansible-{name}").chmod(0o755)
    # There is no Terraform here: what it would print lies in the folder.
    (programs / "terraform").write_text("#!/bin/sh\ncat terraform.json\n", encoding="utf-8")
    (programs / "terraform").chmod(0o755)
    (folder / "ansible.cfg").touch()
    with Simulator(SCENARIO) as simulator:
        address = urlsplit(simulator.endpoint)
        with PublishedHosts((str(address.hostname), int(address.port or 0)), folder / "ca.pem") as hosts:
            world = World(simulator, hosts, _environment(folder, hosts))
            with world.webhook as webhook:
                for server in (hosts, webhook):
                    threading.Thread(target=server.serve_forever, daemon=True).start()
                yield world
                for server in (hosts, webhook):
                    server.shutdown()


@pytest.fixture
def reader(world: World, tmp_path: Path) -> Path:
    """A folder such as a reader has, with the certificate of the company's own authority; the jobs are there again."""
    # A page may have stopped them.
    world.simulator.load(SCENARIO)
    shutil.copy(Path(world.environment["SSL_CERT_FILE"]), tmp_path / "company-ca.pem")
    # Time passes sixty times as fast, but not for what Ansible does in it.
    (tmp_path / "group_vars").mkdir()
    longer = {"unfreeze_timeout": 36000, "max_outage": 36000, "lease": 1800}
    variables = {f"drs_cutover_{name}": seconds for name, seconds in longer.items()}
    (tmp_path / "group_vars" / "all.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    return tmp_path


def _environment(folder: Path, hosts: PublishedHosts) -> dict[str, str]:
    unwanted = ("ANSIBLE_", "PYTHON", "OS_", "HW_", "HUAWEICLOUD_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(unwanted) and not name.lower().endswith("_proxy")
    }
    return {
        **kept,
        "PATH": os.pathsep.join([str(folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(HERE / "hurry"),
        "HOME": str(folder),
        "HTTPS_PROXY": hosts.url,
        "NO_PROXY": "127.0.0.1,localhost",
        # These tests may run in a container that nothing outside watches.
        "DRS_CUTOVER_UNWATCHED": "true",
        "COMPANY_PROXY": hosts.url,
        "REQUESTS_CA_BUNDLE": str(folder / "ca.pem"),
        "SSL_CERT_FILE": str(folder / "ca.pem"),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
    }
