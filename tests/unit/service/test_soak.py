# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A short soak: a third of all requests is met by a fault, and the wait is ready in the end, and only then."""

from __future__ import annotations

import logging
import sys

import pytest

from ansible_collections.cutover.drs.tests.soak.soak import failures, report, soak


@pytest.mark.skipif(sys.platform != "linux", reason="what a process has open is read from /proc")
def test_a_wait_among_faults_of_every_kind_leaves_nothing_open_and_is_ready_only_in_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # pytest keeps what urllib3 logs of half a header, the traceback included, and so the socket in it.
    caplog.set_level(logging.CRITICAL, "urllib3")
    done = soak(200, share=0.3, seed=1)
    assert not failures(done), report(done)
    assert done.result["errors"] > 10
    assert done.result["logins"] > 1
