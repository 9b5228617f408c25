# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long an exchange may take: many at once, by one thread, and in a process that was forked."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ansible_collections.cutover.drs.plugins.module_utils._service.http import time_limit
from ansible_collections.cutover.drs.plugins.module_utils._service.http.time_limit import Exchange, bounded, use

LONG = 60
SHORT = 0.05


@contextmanager
def silence() -> Iterator[socket.socket]:
    """A socket at which nothing arrives; nobody waits longer for it than this."""
    ours, theirs = socket.socketpair()
    ours.settimeout(LONG / 4)
    with ours, theirs:
        yield ours


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "drs-time-limit"]


def test_what_reads_comes_to_an_end_when_the_time_is_up() -> None:
    with silence() as sock, bounded(SHORT) as exchange:
        use(sock)
        assert sock.recv(1) == b""
        assert exchange.expired


def test_a_shorter_time_than_all_others_counts_too() -> None:
    begun, over = threading.Event(), threading.Event()
    expired: list[bool] = []

    def long_one() -> None:
        with silence() as sock, bounded(LONG) as exchange:
            use(sock)
            begun.set()
            over.wait(LONG)
            expired.append(exchange.expired)

    thread = threading.Thread(target=long_one)
    thread.start()
    assert begun.wait(LONG)
    with silence() as sock, bounded(SHORT):
        use(sock)
        assert sock.recv(1) == b""
    over.set()
    thread.join(LONG)
    assert expired == [False]


def test_one_thread_watches_all_and_ends_with_the_last() -> None:
    watch = time_limit._Watch()
    exchanges = [Exchange() for _number in range(20)]
    for exchange in exchanges:
        watch.add(exchange, LONG)
    (thread,) = watching()
    for exchange in exchanges[1:]:
        watch.remove(exchange)
    thread.join(SHORT)
    assert thread.is_alive()
    watch.remove(exchanges[0])
    thread.join(LONG / 4)
    assert not thread.is_alive()
    assert not any(exchange.expired for exchange in exchanges)


def test_a_socket_that_serves_another_request_is_left_alone() -> None:
    with silence() as sock:
        with bounded(SHORT) as before:
            use(sock)
        with bounded(LONG) as after:
            use(sock)
            # Longer than the first had.
            threading.Event().wait(2 * SHORT)
        assert not before.expired
        assert not after.expired
        assert sock.send(b"x") == 1


FORKED = f"""
import os, socket, sys
sys.path[:0] = {sys.path!r}
from {time_limit.__name__} import _watch, bounded, use
ours, theirs = socket.socketpair()
ours.settimeout({LONG / 4})
with bounded({LONG}), _watch._changed:
    child = os.fork()
    if child == 0:
        with bounded({SHORT}) as exchange:
            use(ours)
            os._exit(0 if ours.recv(1) == b"" and exchange.expired else 1)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_child_of_a_process_in_the_middle_of_a_request_has_its_own() -> None:
    # With the lock held and the thread, which a child does not have, at work.
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=False, timeout=LONG)
    assert done.returncode == 0, done.stderr
