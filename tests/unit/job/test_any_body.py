# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever JSON a server sends: records or a protocol error, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._job.records import (
    parse_progress,
    parse_refusals,
    parse_statuses,
)

# Everything that the json module of Python reads, NaN, huge integers and lone surrogates included.
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**300),
    st.floats(),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=8),
    st.sampled_from(["", "-1", "0", "100%", "1e3", "job", "INCRE_TRANSFER_STARTED", "DELETED", "1594864576000"]),
)
FIELDS = """
id job_id status transfer_status error_code error_message error_msg task_mode progress incre_trans_delay
incre_trans_delay_millis remaining_time process_time progress_map struct data completed results count
src_offset apply_rows_rate
"""
KEYS = st.sampled_from(FIELDS.split())
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4)
)
ENTRIES = st.dictionaries(KEYS, VALUES, max_size=8)
BODIES = VALUES | st.fixed_dictionaries({"results": st.lists(ENTRIES | VALUES, max_size=3)})


def outcome(parse: Callable[[object], dict[str, Any]], body: Any) -> dict[str, Any] | DrsError:
    try:
        return parse(body)
    except DrsError as error:
        return error


@pytest.mark.parametrize("parse", [parse_statuses, parse_progress])
@given(body=BODIES)
def test_any_json_gives_records_or_a_protocol_error(parse: Callable[[object], dict[str, Any]], body: Any) -> None:
    found = outcome(parse, body)
    if isinstance(found, DrsError):
        assert found.kind is Kind.PROTOCOL
        assert not found.final
        return
    for job_id, record in found.items():
        shown = record.as_dict()
        json.dumps(shown)
        assert shown["id"] == job_id
        assert job_id.strip()
        assert shown["status"] is None or isinstance(shown["status"], str)
        for name in ("progress", "delay", "delay_ms", "remaining_time"):
            value = shown.get(name)
            assert value is None or (value.__class__ is int and value >= 0)


@given(body=BODIES)
def test_any_json_gives_refused_jobs_or_none(body: Any) -> None:
    for job_id, (code, message) in parse_refusals(body).items():
        assert isinstance(job_id, str)
        assert isinstance(code, str)
        assert message is None or isinstance(message, str)
