# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole cutovers in real containers, with their watch in another one.

Each container has a root of its own over this machine's files, its own processes, host name and /tmp, and the network
of this machine, where simulator and database listen. Two of them share the folder of the cutover and nothing else.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import open_store
from ansible_collections.cutover.drs.tests.integration.targets.setup_simulator.files.child import LONGEST, Child
from ansible_collections.cutover.drs.tests.playbooks.support import ANSIBLE_PLAYBOOK, Cutover, Place
from ansible_collections.cutover.drs.tests.servers import MissingError

CHECKOUT = Path(__file__).resolve().parents[2]
CALLBACKS = Path(__file__).resolve().parent / "callbacks"
# Two containers that have it in common: nothing may tell an owner by it.
HOST_NAME = "ee"
# Seconds: as short as starting Ansible on a busy machine allows.
LEASE = 6.0
# What the promise allows beyond the lease.
SOON = 15.0
_PODMAN = ("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs")
# A container of this kind starts with these alone.
_LIMITS = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=2000:2000")
_HANDED_ON = ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CONFIG", "LANG", "PATH")


def podman(*words: str, check: bool = True) -> str:
    """Run podman to its end; what it wrote. Raises :class:`subprocess.CalledProcessError`."""
    done = subprocess.run([*_PODMAN, *words], capture_output=True, text=True, timeout=120, check=check)
    return done.stdout.strip()


class Roots:
    """Roots of containers: overlays of this machine's own files, since no image can be had everywhere."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, on which a file system in memory is mounted. Raises :class:`MissingError`."""
        if os.geteuid():
            raise MissingError("containers of this kind need root")
        for program in ("podman", "runc", "mount"):
            if not shutil.which(program, path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"):
                raise MissingError(f"{program} is not installed")
        self._folder = folder
        self._mounted: list[Path] = []
        self._mount("tmpfs", folder)

    def try_out(self) -> None:
        """Run something in a container. Raises :class:`MissingError`."""
        with self.new() as root:
            try:
                podman("run", "--rm", *_LIMITS, "--network=host", "--rootfs", str(root), "true")
            except subprocess.CalledProcessError as error:
                raise MissingError(f"podman cannot run a container: {error.stderr.strip()[-500:]}") from None

    @contextmanager
    def new(self) -> Iterator[Path]:
        """Provide a root for one container."""
        name = secrets.token_hex(4)
        upper, work, merged = (self._folder / kind / name for kind in ("upper", "work", "merged"))
        for folder in (upper, work, merged):
            folder.mkdir(parents=True)
        self._mount("overlay", merged, f"lowerdir=/,upperdir={upper},workdir={work}")
        try:
            yield merged
        finally:
            self._unmount(merged)
            for folder in (upper, work):
                shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Unmount everything."""
        for path in reversed([*self._mounted]):
            self._unmount(path)

    def _mount(self, kind: str, path: Path, options: str = "") -> None:
        command = ["mount", "-t", kind, *(["-o", options] if options else []), kind, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MissingError(f"{kind} cannot be mounted: {done.stderr.strip()}")
        self._mounted.append(path)

    def _unmount(self, path: Path) -> None:
        self._mounted.remove(path)
        # What ends in a container may hold it for a moment.
        for _try in range(50):
            if subprocess.run(["umount", str(path)], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        subprocess.run(["umount", "--lazy", str(path)], check=True)


class Contained(Child):
    """ansible-playbook as the first process of a container."""

    def __init__(
        self,
        plays: list[dict[str, Any]],
        folder: Path,
        *options: str,
        root: Path,
        host_name: str,
        environment: dict[str, str],
        terminal: bool = False,
    ) -> None:
        self.name = f"drs-{secrets.token_hex(6)}"
        given = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        given |= {
            "PYTHONUNBUFFERED": "1",
            "ANSIBLE_PIPELINING": "1",
            "ANSIBLE_ACTION_PLUGINS": f"{CHECKOUT}/tests/integration/targets/setup_simulator/action_plugins",
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "linger",
            **environment,
        }
        # The environment also as it is called: its name may be a link beside a folder whose path has a space.
        seen = {CHECKOUT, Path(sys.prefix), Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
        seen |= {Path(path) for path in given.get("ANSIBLE_COLLECTIONS_PATH", "").split(os.pathsep) if path}
        command = [*_PODMAN, "run", "--rm", f"--name={self.name}", "--network=host", "--uts=private"]
        command += [f"--hostname={host_name}", *_LIMITS, "--tmpfs", "/tmp:rw,mode=1777,notmpcopyup"]
        command += [f"--volume={path}:{path}:ro" for path in sorted(seen)]
        command += [f"--volume={folder.parent}:{folder.parent}", f"--workdir={folder}"]
        command += [f"--env={name}={value}" for name, value in given.items()]
        command += ["--rootfs", str(root), *ANSIBLE_PLAYBOOK]
        super().__init__(plays, folder, *options, program=command, terminal=terminal)

    def podman(self, verb: str, *options: str) -> None:
        """Do something to this container."""
        podman(verb, *options, self.name)

    def guard(self) -> int:
        """Return the process of the guard in this container, by its number outside."""
        first = podman("inspect", "--format={{.State.Pid}}", self.name)
        inside = Path(f"/proc/{first}/ns/pid").readlink()
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and (entry / "ns" / "pid").readlink() == inside:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                    if b"cutover.drs guard" in words:
                        return int(entry.name)
        raise AssertionError(f"no guard in {self.name}\n{self.said}")

    @property
    def said(self) -> str:
        """What it wrote, as one line so that sentences can be found."""
        return " ".join(f"{self.stdout} {self.stderr}".split())

    def ends(self, *, succeeds: bool) -> str:
        """Wait for its end; what it wrote."""
        code = self.end()
        assert (code == 0) == succeeds, f"exit code {code}\n{self.stdout}\n{self.stderr}"
        return self.said

    def close(self) -> None:
        """End the container with everything in it."""
        with suppress(subprocess.CalledProcessError):
            podman("unpause", self.name)
        podman("rm", "--force", "--time=0", "--ignore", self.name, check=False)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(LONGEST)
        super().close()


class ContainedCutover(Cutover):
    """A cutover whose plays run in containers, each of which is a machine of its own."""

    def __init__(self, place: Place, roots: Roots, journal: str | None = None, **options: Any) -> None:
        self._roots = roots
        super().__init__(place, lease=LEASE, **options)
        if journal is not None:
            self.options["journal"] = journal

    def playing(self, *plays_and_arguments: dict[str, Any] | str, **more: Any) -> AbstractContextManager[Contained]:
        """Run plays in a container of their own."""
        return self._contained(*plays_and_arguments, **more)

    @contextmanager
    def _contained(
        self, *plays_and_arguments: dict[str, Any] | str, host_name: str = HOST_NAME, **more: Any
    ) -> Iterator[Contained]:
        plays = [each for each in plays_and_arguments if isinstance(each, dict)]
        arguments = [each for each in plays_and_arguments if isinstance(each, str)]
        more["environment"] = {"HOME": str(self.folder), **more.get("environment", {})}
        with self._roots.new() as root:
            started = Contained(plays, self.folder, *arguments, root=root, host_name=host_name, **more)
            try:
                yield started
            finally:
                started.close()

    def running(
        self, *arguments: str, held_at: str = "", watched: bool = True, **more: Any
    ) -> AbstractContextManager[Contained]:
        """Start the cutover itself in a container; ``held_at`` is the name of a task before which it waits."""
        environment = {} if watched else {"DRS_CUTOVER_UNWATCHED": "true"}
        if held_at:
            environment |= {"LINGER_AT": held_at, "LINGER_FILE": str(self.folder / "held")}
        return self.playing(self.play(**more), *arguments, environment=environment)

    def held(self, run: Contained) -> None:
        """Wait until the run waits before that task."""
        self.reaches((self.folder / "held").exists, run)

    def let_go(self) -> None:
        """Let the run go on with that task."""
        (self.folder / "held").unlink()

    @property
    def waiting(self) -> dict[str, Any]:
        """A task that lasts until the test calls :meth:`go_on`."""
        (self.folder / "wait").touch()
        return {"ansible.builtin.command": f"sh -c 'while test -e {self.folder}/wait; do sleep 0.1; done'"}

    def go_on(self) -> None:
        """End that task."""
        (self.folder / "wait").unlink()

    def on_this_machine(self, *plays_and_arguments: dict[str, Any] | str) -> AbstractContextManager[Child]:
        """Run plays outside of any container."""
        return super().playing(*plays_and_arguments)

    def elsewhere(self, tasks_from: str, *arguments: str, **options: Any) -> AbstractContextManager[Contained]:
        """Start ``watch`` or ``recover`` in another container with the same host name."""
        return self.playing(self.other(tasks_from, **options), *arguments)

    def other(self, tasks_from: str, **options: Any) -> dict[str, Any]:
        """Return the play of ``watch`` or ``recover``."""
        known = {name: self.options[name] for name in ("jobs", "journal", "unfreeze_tasks")}
        return {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {f"drs_cutover_{name}": value for name, value in {**known, **options}.items()},
            "tasks": [
                {"ansible.builtin.include_role": {"name": "cutover.drs.drs_cutover", "tasks_from": tasks_from}},
            ],
        }

    @property
    def recorded(self) -> dict[str, Any]:
        """What the journal says, wherever it is."""
        held = open_store(self.options["journal"], self.options["jobs"]).read()
        return {} if held is None else dict(held.document)

    def unfrozen(self, since: float, within: float, *runs: Contained) -> float:
        """Wait for the unfreeze; the seconds until its first task."""
        while "unfreeze" not in self.ran:
            late = time.monotonic() - since >= within
            assert not late, f"{self.ran} after {within:g} s\n{self.told(*runs)}"
            time.sleep(0.02)
        took = time.monotonic() - since
        print(f"the first unfreeze task after {took:.1f} s, with a lease of {LEASE:g} s")
        return took

    def told(self, *runs: Child) -> str:
        """What all of them and their guards wrote, for a person who reads a failure."""
        said = [f"{run.stdout}\n{run.stderr}" for run in runs]
        logs = [f"{path.name}\n{path.read_text(errors='replace')}" for path in self.folder.glob(".*.log")]
        return "\n".join([*said, *logs])

    def until(self, stage: str, run: Contained) -> None:
        """Wait until the user's tasks of this stage have begun."""
        self.reaches(lambda: self.ran[-1:] == [stage], run)

    def reaches(self, there: Callable[[], bool], run: Contained) -> None:
        """Wait until it is so, while the run lives."""
        deadline = time.monotonic() + LONGEST
        while not there():
            late = run.process.poll() is not None or time.monotonic() >= deadline
            assert not late, f"{self.ran}\n{run.stdout}\n{run.stderr}"
            time.sleep(0.02)


class Watched(ExitStack):
    """A run in a container, and a watch in another one that was there first."""

    def __init__(self, cutover: ContainedCutover, *arguments: str, **more: Any) -> None:
        super().__init__()
        try:
            self.watch = self.enter_context(cutover.elsewhere("watch", *arguments))
            self.watch.until("No cutover of these jobs has begun")
            self.run = self.enter_context(cutover.running(*arguments, **more))
        except BaseException:
            self.close()
            raise


def suspend(pid: int) -> None:
    """Suspend one process."""
    os.kill(pid, signal.SIGSTOP)


def resume(pid: int) -> None:
    """Let it go on."""
    os.kill(pid, signal.SIGCONT)
