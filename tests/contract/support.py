# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the contract share: the description, and programs that are started and read."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.cutover.drs.tests.unit.service.support import end

HERE = Path(__file__).resolve().parent
OPENAPI = HERE / "openapi.yml"


class Running:
    """A program that was started, and what it printed so far."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.lines.extend(self._process.stdout)

    def wait_for(self, text: str, seconds: float = 60) -> str:
        """Return the first line with this text."""
        patience = time.monotonic() + seconds
        while time.monotonic() < patience:
            found = next((line for line in self.lines if text in line), None)
            if found is not None:
                return found
            assert self._process.poll() is None, f"it ended: {''.join(self.lines)}"
            time.sleep(0.05)
        raise AssertionError(f"no line with {text!r} in {seconds} s: {''.join(self.lines)}")

    def stop(self) -> None:
        end(self._process)
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def running(*command: str) -> Iterator[Running]:
    """A program that ends with the block."""
    program = Running(list(command))
    try:
        yield program
    finally:
        program.stop()
