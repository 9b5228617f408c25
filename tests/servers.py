# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real database servers for tests, each with a data folder, a port and a user of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_PASSWORD = "s3cret-of-the-journal"
_PATIENCE = 60.0
_PORTS = 3


class MissingError(Exception):
    """The server cannot be had on this machine; the text says why."""


class StartError(Exception):
    """The server is installed and does not start: no reason to skip a test."""


class Server:
    """A server that can be stopped as a crash would do, started again, and suspended."""

    def __init__(
        self, folder: Path, user: str, command: Sequence[str], port: int, url: str, probe: Sequence[str]
    ) -> None:
        self.folder, self.port, self.url = folder, port, url
        self._user, self._command, self._probe = user, [*command], [*probe]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                as_user(self._user, self._command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        deadline = time.monotonic() + _PATIENCE
        while subprocess.run(
            as_user(self._user, self._probe), capture_output=True, cwd=self.folder, check=False
        ).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StartError(f"{self._command[0]} did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, as a crash of its machine would."""
        self._signal(signal.SIGCONT)
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def pause(self) -> None:
        """Suspend all its processes: connections stay open, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and whatever it started: PostgreSQL's children have groups of their own."""
        if self._process is None:
            return
        for pid in [self._process.pid, *below(self._process.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


@contextmanager
def postgresql(**more: str) -> Iterator[Server]:
    """Run a PostgreSQL, with more settings if given. Raises :class:`MissingError`."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(4))
    programs = str(folders[-1]) if folders else ""
    if not shutil.which("initdb", path=programs) and not shutil.which("initdb"):
        raise MissingError("PostgreSQL is not installed")
    programs = programs or str(Path(shutil.which("initdb") or "").parent)
    with _folder("postgres") as (folder, user):
        data = folder / "data"
        (folder / "password").write_text(_PASSWORD)
        (folder / "password").chmod(0o644)
        options = [
            "--username=drs",
            f"--pwfile={folder}/password",
            "--auth=md5",
            "--no-sync",
            "--encoding=UTF8",
        ]
        _run(user, folder, [f"{programs}/initdb", f"--pgdata={data}", "--locale=C", *options])
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off", **more}
        command = [f"{programs}/postgres", "-D", str(data)]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        probe = [f"{programs}/pg_isready", "--quiet", "--host=127.0.0.1"]

        def at(port: int) -> Server:
            url = f"postgresql+psycopg://drs:{_PASSWORD}@127.0.0.1:{port}/postgres"
            return Server(folder, user, [*command, "-c", f"port={port}"], port, url, [*probe, f"--port={port}"])

        yield from _running(at)


@contextmanager
def mariadb(*more: str) -> Iterator[Server]:
    """Run a MariaDB, with more options if given. Raises :class:`MissingError`."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    install, daemon = (shutil.which(name, path=path) for name in ("mariadb-install-db", "mariadbd"))
    admin = shutil.which("mariadb-admin", path=path)
    if not install or not daemon or not admin:
        raise MissingError("MariaDB is not installed")
    with _folder("mysql") as (folder, user):
        # Of its own: a server that starts removes the temporary tables of all others that it finds.
        options = ["--no-defaults", f"--datadir={folder / 'data'}", f"--tmpdir={folder}"]
        _run(user, folder, [install, *options, "--auth-root-authentication-method=normal", "--skip-test-db"])
        first = folder / "first.sql"
        first.write_text(
            "CREATE DATABASE IF NOT EXISTS journal;\n"
            f"CREATE USER IF NOT EXISTS drs@'127.0.0.1' IDENTIFIED BY '{_PASSWORD}';\n"
            "GRANT ALL ON journal.* TO drs@'127.0.0.1';\n"
        )
        first.chmod(0o644)
        options += ["--bind-address=127.0.0.1", f"--socket={folder}/socket", f"--init-file={first}"]
        options += ["--skip-name-resolve", "--innodb-flush-log-at-trx-commit=2", f"--pid-file={folder}/pid", *more]
        probe = [admin, "--no-defaults", "--host=127.0.0.1", "--user=drs", f"--password={_PASSWORD}", "ping"]

        def at(port: int) -> Server:
            url = f"mysql+pymysql://drs:{_PASSWORD}@127.0.0.1:{port}/journal"
            return Server(folder, user, [daemon, *options, f"--port={port}"], port, url, [*probe, f"--port={port}"])

        yield from _running(at)


@contextmanager
def pgbouncer(server: Server) -> Iterator[str]:
    """Run a PgBouncer that shares few connections by transactions; its URL. Raises :class:`MissingError`."""
    program = shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if not program:
        raise MissingError("PgBouncer is not installed")
    with _folder("postgres") as (folder, user):
        (folder / "users").write_text(f'"drs" "{_PASSWORD}"\n')
        (folder / "users").chmod(0o644)

        def at(port: int) -> Server:
            (folder / "ini").write_text(
                f"[databases]\npostgres = host=127.0.0.1 port={server.port} dbname=postgres\n"
                f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
                f"auth_type = md5\nauth_file = {folder}/users\npool_mode = transaction\ndefault_pool_size = 2\n"
            )
            (folder / "ini").chmod(0o644)
            url = f"postgresql+psycopg://drs:{_PASSWORD}@127.0.0.1:{port}/postgres"
            code = f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)"
            probe = ["/usr/bin/env", "python3", "-c", code]
            return Server(folder, user, [program, str(folder / "ini")], port, url, probe)

        for running in _running(at):
            yield running.url


def _running(at: Callable[[int], Server]) -> Iterator[Server]:
    """Run a server, tried at a few ports: somebody else may take the free one before it does."""
    for left in reversed(range(_PORTS)):
        server = at(free_port())
        try:
            server.start()
        except StartError:
            server.stop()
            if not left:
                raise
            continue
        try:
            yield server
        finally:
            server.stop()
        return


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, str]]:
    """Make a folder for the server's user; as another user than root, it is the caller's own."""
    # Short: the path of a socket has at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="drs-server-", dir="/tmp"))
    try:
        if os.geteuid():
            user = ""
        else:
            try:
                shutil.chown(folder, user)
            except LookupError:
                raise MissingError(f"there is no user {user}") from None
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(user: str, folder: Path, command: Sequence[str]) -> None:
    done = subprocess.run(as_user(user, command), capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode:
        said = " ".join(f"{done.stderr} {done.stdout}".split())
        raise StartError(f"{command[0]} failed: {said[:2000]}")


def as_user(user: str, command: Sequence[str]) -> list[str]:
    """Return the command as that user runs it, who has no right to change anything of the caller's."""
    if not user:
        return [*command]
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]


def below(pid: int) -> list[int]:
    """Return the children of a process, and theirs."""
    found = []
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *below(int(child))]
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
