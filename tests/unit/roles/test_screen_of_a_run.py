# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lines of a run are about, and how wide they may be where it shows them."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils import _controller

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs the files of a process in /proc")


@pytest.fixture
def terminal() -> Iterator[int]:
    """A terminal that nobody has told how wide it is."""
    master, slave = pty.openpty()
    yield slave
    os.close(slave)
    os.close(master)


def columns(stderr: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """The columns for a run that shows its lines there."""
    run = subprocess.Popen(["sleep", "60"], stderr=stderr)
    try:
        monkeypatch.setattr(_controller.os, "getppid", lambda: run.pid)
        return _controller.screen({}).columns
    finally:
        run.kill()
        run.wait()


@pytest.mark.parametrize(("width", "shown"), [(80, 80), (200, 160), (0, 160)])
def test_lines_are_as_wide_as_the_terminal_of_the_run(
    terminal: int, width: int, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    assert columns(terminal, monkeypatch) == shown


def test_lines_to_a_file_or_a_pipe_have_160_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("wb") as log:
        assert columns(log, monkeypatch) == 160
    assert columns(subprocess.DEVNULL, monkeypatch) == 160
    read, write = os.pipe()
    assert columns(write, monkeypatch) == 160
    os.close(read)
    os.close(write)


def test_a_reader_that_takes_no_line_is_waited_for_once_until_it_reads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    for end in (read, write):
        os.set_blocking(end, False)
    with suppress(BlockingIOError):
        while True:
            os.write(write, b"-" * 4096)
    monkeypatch.setattr(_controller, "_READER_RETURNS", 0.5)
    monkeypatch.setattr(_controller._reader, "returns", True)
    say = _controller.lines(SimpleNamespace(no_log=False), True)
    run = subprocess.Popen(["sleep", "60"], stderr=write)
    try:
        monkeypatch.setattr(_controller.os, "getppid", lambda: run.pid)
        began = time.monotonic()
        for number in range(4):
            say(f"lost {number}")
        assert 0.5 <= time.monotonic() - began < 1.5
        with suppress(BlockingIOError):
            while os.read(read, 4096):
                pass
        say("taken")
        assert os.read(read, 4096) == b"taken\n"
    finally:
        run.kill()
        run.wait()
        os.close(read)
        os.close(write)


@pytest.mark.parametrize(
    ("host", "hosts", "title", "tag"),
    [
        ("localhost", ["localhost"], "", "[final]"),
        ("localhost", ["localhost"], "Orders", "[Orders, final]"),
        ("db-07", ["db-07"], "Orders", "[db-07, final]"),
        ("localhost", ["localhost", "db-07"], "Orders", "[localhost, final]"),
        ("db\u202e", ["db"], "", "[db?, final]"),
    ],
)
def test_lines_are_about_the_host_or_the_title_of_a_play_on_localhost(
    host: str, hosts: list[str], title: str, tag: str
) -> None:
    play = {"inventory_hostname": host, "ansible_play_hosts_all": hosts}
    assert _controller.screen(play, title, "final").tag == tag
