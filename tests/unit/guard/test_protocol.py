# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every message arrives as it was sent, and nothing else is one."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.cutover.drs.plugins.module_utils._cutover.journal import Next
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import protocol

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.dictionaries(TEXTS, st.none() | st.booleans() | st.integers() | TEXTS | st.lists(TEXTS), max_size=3)
# By the type hint of a field.
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "str": TEXTS,
    "str | None": st.none() | TEXTS,
    "int": st.integers(0, 1 << 40),
    "float": st.floats(0, 1e9),
    "float | None": st.none() | st.floats(0, 1e9),
    "bool": st.booleans(),
    "list[str]": st.lists(TEXTS, max_size=3),
    "list[str] | None": st.none() | st.lists(TEXTS, max_size=3),
    "tuple[str, ...]": st.lists(TEXTS, max_size=3),
    "dict[str, str]": st.dictionaries(TEXTS, TEXTS, max_size=3),
    "dict[str, str] | None": st.none() | st.dictionaries(TEXTS, TEXTS, max_size=3),
    "dict[str, Any]": JSON,
    "dict[str, Any] | None": st.none() | JSON,
    "Next": st.sampled_from(Next),
}


def messages(kind: type) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{entry.name: VALUES[str(entry.type)] for entry in fields(kind)})


@pytest.mark.parametrize("kind", protocol._REQUESTS.values())
@given(st.data(), st.floats(0, 1e9))
def test_a_request_arrives_as_it_was_sent(kind: type, data: st.DataObject, until: float) -> None:
    request = data.draw(messages(kind))
    line = protocol.encode(request, until=until)
    assert (line.endswith(b"\n"), line.count(b"\n")) == (True, 1)
    assert protocol.decode_request(line) == (request, until)


@given(messages(protocol.Answer), messages(protocol.Start))
def test_an_answer_and_a_start_arrive_as_they_were_sent(answer: protocol.Answer, start: protocol.Start) -> None:
    assert protocol.decode_answer(protocol.encode(answer)) == answer
    assert protocol.decode_start(protocol.encode(start)) == start


def test_a_request_without_an_end_is_one_of_which_the_sender_has_given_up() -> None:
    assert protocol.decode_request(b'{"kind": "Finish"}\n') == (protocol.Finish(), 0.0)


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"\n", b"null\n", b"[]\n", b"42\n", b'"Finish"\n', b"{}\n", b'{"kind": "Dance"}\n', b"\xff\xfe\n"),
        *(b'{"kind": "StepFailed"}\n', b'{"kind": "EnterStage"}\n', b'{"kind": null}\n', b'{"kind": ["Look"]}\n'),
        *(b'{"kind": "Finish", "until": "later"}\n', b'{"kind": "Finish"'),
    ],
)
def test_nonsense_is_no_message(line: bytes) -> None:
    for decode in (protocol.decode_request, protocol.decode_answer, protocol.decode_start):
        with pytest.raises(ValueError, match=r"."):
            decode(line)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | TEXTS,
        lambda some: (
            st.lists(some, max_size=3)
            | st.dictionaries(st.sampled_from(["kind", "until", "next", "stage", "reason"]), some, max_size=4)
        ),
    )
)
def test_no_json_breaks_the_reading(value: Any) -> None:
    for decode in (protocol.decode_request, protocol.decode_answer, protocol.decode_start):
        with pytest.raises(ValueError, match=r"."):
            decode(json.dumps(value).encode())
