# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the bodies the API answers to records."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.module_utils._job.records import (
    StatusRecord,
    parse_progress,
    parse_refusals,
    parse_statuses,
    summary,
)
from ansible_collections.cutover.drs.tests.unit.builders import A, B, without_raw

BODIES = Path(__file__).resolve().parents[3] / "simulator" / "bodies"
JSON = Any


def published(name: str) -> JSON:
    return json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))


def status_body(**fields: JSON) -> JSON:
    return {"results": [{"id": A, "status": "PAUSING", **fields}], "count": 1}


def progress_body(**fields: JSON) -> JSON:
    return {"results": [{"job_id": A, "transfer_status": "PAUSING", **fields}], "count": 1}


def test_the_published_statuses_are_read() -> None:
    found = parse_statuses(published("batch-status-documented")["response"])
    assert [(job.id, job.found, job.status) for job in found.values()] == [
        (A, True, "INCRE_TRANSFER_STARTED"),
        (B, True, "INCRE_TRANSFER_FAILED"),
    ]
    assert found[B].as_dict() == {
        "id": B,
        "found": True,
        "status": "INCRE_TRANSFER_FAILED",
        "phase": "incremental",
        "state": "failed",
        "terminal": True,
        "error_code": None,
        "error_message": None,
    }


def test_the_first_published_progress_is_read() -> None:
    body = published("batch-progress-documented-1")["response"]
    [job] = list(parse_progress(body).values())
    assert job.as_dict() == {
        "id": "8d0e8e36-a618-490d-8a46-8c61ac9jb502",
        "found": True,
        "status": "INCRE_TRANSFER_STARTED",
        "phase": "incremental",
        "state": "in_progress",
        "terminal": False,
        "error_code": None,
        "error_message": None,
        "task_mode": "FULL_INCR_TRANS",
        "progress": 100,
        "delay": 0,
        "delay_ms": None,
        "remaining_time": 0,
        "parts": {},
        "processed_at": "2020-12-18T07:01:59Z",
        "src_offset": None,
        "node_offset": None,
        "dst_offset": None,
        "rows_applied": None,
        "raw": body["results"][0],
    }


def test_the_second_published_progress_gives_no_delay_beside_a_complete_full_phase() -> None:
    first, second = list(parse_progress(published("batch-progress-documented-2")["response"]).values())
    assert (first.delay, first.remaining_time, first.progress) == (0, 10, 100)
    assert without_raw(second.as_dict()) == {
        "id": "f95c5d83-d0c9-42bd-b295-38c31cd1jb15",
        "found": True,
        "status": "FULL_TRANSFER_COMPLETE",
        "phase": "full",
        "state": "complete",
        "terminal": True,
        "error_code": None,
        "error_message": None,
        "task_mode": "FULL_INCR_TRANS",
        "progress": 0,
        "delay": None,
        "delay_ms": None,
        "remaining_time": 0,
        "parts": {
            "struct": {"progress": 94, "remaining_time": None},
            "data": {"progress": 100, "remaining_time": None},
            "index": {"progress": 100, "remaining_time": None},
        },
        "processed_at": None,
        "src_offset": None,
        "node_offset": None,
        "dst_offset": None,
        "rows_applied": None,
    }


@pytest.mark.parametrize("parse", [parse_statuses, parse_progress])
@pytest.mark.parametrize("entry", published("errors-documented")["bodies"], ids=lambda entry: entry["class"][:40])
def test_a_published_error_gives_jobs_not_found_or_is_no_answer(parse: Callable[[object], Any], entry: JSON) -> None:
    if isinstance(entry["body"], dict) and "results" in entry["body"]:
        job = next(iter(parse(entry["body"]).values()))
        assert (job.id, job.found) == ("24834eb6-be30-464e-a299-f7aa730jb101", False)
        assert (job.error_code, job.error_message) == ("DRS.M00289", "The job is non-existent.")
    else:
        with pytest.raises(DrsError) as raised:
            parse(entry["body"])
        assert raised.value.kind is Kind.PROTOCOL


UNUSABLE: list[tuple[JSON, str]] = [
    (None, "The response is not a JSON object."),
    ([], "The response is not a JSON object."),
    ("text", "The response is not a JSON object."),
    (0, "The response is not a JSON object."),
    ({}, "The response has no list 'results'."),
    ({"results": None, "count": 0}, "The response has no list 'results'."),
    ({"results": {"0": {}}}, "The response has no list 'results'."),
    ({"results": [None]}, "An entry of 'results' in the response is not an object."),
    ({"results": [[A, "PAUSING"]]}, "An entry of 'results' in the response is not an object."),
    ({"results": [{}]}, "An entry of 'results' in the response has no job id."),
    ({"results": [{"id": "", "job_id": " "}]}, "An entry of 'results' in the response has no job id."),
    ({"results": [{"id": 7}]}, "The field 'id' in the response is not a string."),
    ({"results": [{"job_id": [A]}]}, "The field 'job_id' in the response is not a string."),
    (status_body(error_code=404), "The field 'error_code' in the response is not a string."),
    (status_body(error_code=False), "The field 'error_code' in the response is not a string."),
    (status_body(error_message={}), "The field 'error_message' in the response is not a string."),
    (status_body(error_msg=0), "The field 'error_msg' in the response is not a string."),
]
UNUSABLE_STATUSES = [
    (status_body(status=value), "The field 'status' in the response is not a string.") for value in (1, {})
]
UNUSABLE_PROGRESS = [
    (progress_body(transfer_status=True), "The field 'transfer_status' in the response is not a string."),
    (progress_body(task_mode=2), "The field 'task_mode' in the response is not a string."),
    *(
        (
            progress_body(progress_map=value),
            "The field 'progress_map' in the response is neither an object nor an array.",
        )
        for value in ("", "94%", 94, False)
    ),
    *(
        (progress_body(progress_map=value), "A part in 'progress_map' of the response is not an object.")
        for value in ({"struct": "94%"}, {"struct": []}, ["94%"], [{"struct": 94}], [[]])
    ),
    (
        progress_body(progress_map=[{"struct": {"completed": "94%"}}, {"struct": {"completed": "100%"}}]),
        "The response holds the part struct of 'progress_map' twice, with different content.",
    ),
]


@pytest.mark.parametrize(
    ("parse", "body", "message"),
    [
        *((parse_statuses, *case) for case in [*UNUSABLE, *UNUSABLE_STATUSES]),
        *((parse_progress, *case) for case in [*UNUSABLE, *UNUSABLE_PROGRESS]),
    ],
)
def test_a_body_of_the_wrong_types_is_a_protocol_error(
    parse: Callable[[object], Any], body: JSON, message: str
) -> None:
    with pytest.raises(DrsError) as raised:
        parse(body)
    assert raised.value.kind is Kind.PROTOCOL
    assert str(raised.value) == message


@pytest.mark.parametrize("value", [None, "NaN", [], {}, True, "-1", "٣"])
@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("progress", "progress"),
        ("incre_trans_delay", "delay"),
        ("incre_trans_delay_millis", "delay_ms"),
        ("remaining_time", "remaining_time"),
        ("process_time", "processed_at"),
    ],
)
def test_a_number_that_cannot_be_read_is_null_and_the_rest_of_the_job_is_kept(
    field: str, name: str, value: JSON
) -> None:
    [job] = list(parse_progress(progress_body(**{field: value})).values())
    assert job.as_dict()[name] is None
    assert (job.found, job.status) == (True, "PAUSING")


def test_the_delay_in_seconds_and_the_one_in_milliseconds_are_two_fields() -> None:
    [job] = list(parse_progress(progress_body(incre_trans_delay="2", incre_trans_delay_millis="1999")).values())
    assert (job.delay, job.delay_ms) == (2, 1999)


@pytest.mark.parametrize(
    "milliseconds",
    ["5,000", "5000ms", "", " ", "null", "-2", "0x10", "1e3", "\u0665", "9" * 40, ["5000"], {"ms": 5000}, True, -5],
    ids=repr,
)
def test_milliseconds_that_are_sent_and_cannot_be_read_count_as_no_delay(milliseconds: object) -> None:
    body = progress_body(incre_trans_delay="0", incre_trans_delay_millis=milliseconds)
    job = next(iter(parse_progress(body).values()))
    assert (job.delay, job.delay_ms) == (None, None)


@pytest.mark.parametrize("milliseconds", ["-1", -1, None], ids=repr)
def test_milliseconds_that_are_not_sent_leave_the_delay_as_it_is(milliseconds: object) -> None:
    job = next(
        iter(parse_progress(progress_body(incre_trans_delay="0", incre_trans_delay_millis=milliseconds)).values())
    )
    assert (job.delay, job.delay_ms) == (0, None)


PART = {"completed": "94%", "remaining_time": "7"}
READ = {"progress": 94, "remaining_time": 7}
NOTHING = {"progress": None, "remaining_time": None}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, {}),
        ({}, {}),
        ([], {}),
        (
            {"struct": PART, "data": {"completed": "100%", "remaining_time": None}},
            {"struct": READ, "data": {"progress": 100, "remaining_time": None}},
        ),
        ([{"struct": PART}, {"data": PART}], {"struct": READ, "data": READ}),
        ([{"struct": PART, "data": PART}], {"struct": READ, "data": READ}),
        ([{"struct": PART}, {"struct": {**PART}}], {"struct": READ}),
        ([PART, PART], {"0": READ, "1": READ}),
        ([{}, None], {"1": NOTHING}),
        ({"struct": None}, {"struct": NOTHING}),
        ({"struct": {}}, {"struct": NOTHING}),
        ({"struct": {"completed": "done", "remaining_time": "soon"}}, {"struct": NOTHING}),
        ({"struct": {"completed": 94, "remaining_time": 6.5}}, {"struct": READ}),
    ],
)
def test_the_parts_are_an_object_or_an_array(value: JSON, expected: JSON) -> None:
    [job] = list(parse_progress(progress_body(progress_map=value)).values())
    assert job.as_dict()["parts"] == expected


def test_jobs_of_the_same_parts_share_them_as_most_of_a_fleet_do() -> None:
    entries = [{"job_id": job_id, "progress_map": {"struct": {**PART}}} for job_id in (A, B)]
    one, other = list(parse_progress({"results": entries}).values())
    assert one.parts is other.parts


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"error_code": "DRS.M00289"}, False),
        ({"error_msg": "The job is non-existent."}, False),
        ({"error_message": "The job is non-existent."}, False),
        ({"status": "", "error_code": "DRS.M00289"}, False),
        ({"status": None, "error_code": "DRS.M00289"}, False),
        # A job that is there, of a status that is not.
        ({}, True),
        ({"status": " "}, True),
        ({"error_code": "", "error_msg": None}, True),
        ({"error_code": "DRS.00000000", "error_msg": "Success."}, True),
        ({"error_code": 0}, True),
        # The job is there, and has an error.
        ({"status": "PAUSING", "error_code": "DRS.M00289"}, True),
    ],
)
def test_an_entry_with_an_error_and_no_status_is_a_job_not_found(fields: JSON, found: bool) -> None:
    [job] = list(parse_statuses({"results": [{"id": A, **fields}]}).values())
    assert job.found is found


@pytest.mark.parametrize(
    "code",
    ["", " ", "null", "NULL", "0", "000", "DRS.00000000", "DRS.0", "DRS.M00000", "Success", "None", 0, None],
    ids=repr,
)
@pytest.mark.parametrize("message", ["", "null", "OK", "Success.", None], ids=repr)
def test_what_says_that_there_is_no_error_is_none(code: object, message: object) -> None:
    fields = {"status": "PAUSING", "transfer_status": "PAUSING", "error_code": code, "error_msg": message}
    for parse in (parse_statuses, parse_progress):
        record = next(iter(parse({"results": [{"id": A, **fields}]}).values()))
        assert (record.found, record.error_code, record.error_message) == (True, None, None)


@pytest.mark.parametrize("code", ["DRS.00000001", "1", "DRS.M00289", "DRS.", "DRS.000x"])
def test_every_other_code_is_an_error(code: str) -> None:
    record = next(iter(parse_statuses({"results": [{"id": A, "status": "PAUSING", "error_code": code}]}).values()))
    assert record.error_code == code


def test_a_message_beside_a_code_of_zeros_is_still_an_error() -> None:
    fields = {"status": "PAUSING", "error_code": "0", "error_msg": "The disk is full."}
    record = next(iter(parse_statuses({"results": [{"id": A, **fields}]}).values()))
    assert (record.error_code, record.error_message) == (None, "The disk is full.")


def test_either_spelling_of_the_id_and_of_the_message_is_read() -> None:
    [status] = list(parse_statuses({"results": [{"job_id": A, "status": "PAUSING", "error_msg": "Oh."}]}).values())
    [progress] = list(
        parse_progress({"results": [{"id": A, "transfer_status": "PAUSING", "error_message": "Oh."}]}).values()
    )
    assert (status.id, status.error_message) == (progress.id, progress.error_message) == (A, "Oh.")


def test_each_operation_has_its_own_name_for_the_id_and_that_comes_first() -> None:
    both = {"id": "of-status", "job_id": "of-progress"}
    assert list(parse_statuses({"results": [{**both, "status": "PAUSING"}]})) == ["of-status"]
    assert list(parse_progress({"results": [{**both, "transfer_status": "PAUSING"}]})) == ["of-progress"]


def test_the_status_is_kept_verbatim_but_for_what_cannot_be_shown() -> None:
    [job] = list(parse_statuses(status_body(status=" pausing\u202e ")).values())
    assert job.status == " pausing? "


@pytest.mark.parametrize("end", ["\u200b", "\u202e", "\ufeff", "\n", "\t", "\u3000", " "])
def test_a_status_with_something_that_cannot_be_seen_is_not_the_status_without_it(end: str) -> None:
    job = next(iter(parse_statuses(status_body(status=f"INCRE_TRANSFER_STARTED{end}")).values()))
    assert job.meaning.state.value == "unknown"


FORGED = "Full.\r\ndrs_wait 12:00:00Z VERDICT ready\u2028##vso[task.setvariable variable=x]\u200b\u202e\x1b[2J"
LONG = "x" * 5_000_000


@pytest.mark.parametrize("text", [FORGED, LONG], ids=["forged", "long"])
def test_every_field_is_printable_and_cut_when_it_is_parsed(text: str) -> None:
    fields = dict.fromkeys(("task_mode", "error_code", "error_msg", "src_offset", "node_offset", "dst_offset"), text)
    parts = {text: {"completed": "1", "remaining_time": None}}
    body = progress_body(transfer_status=text, progress_map=parts, extra={"of": [text, {text: text}]}, **fields)
    shown = [
        *(record.as_dict() for record in parse_statuses(status_body(status=text, error_message=text)).values()),
        *(record.as_dict() for record in parse_progress(body).values()),
        *parse_refusals({"results": [{"id": A, "error_code": text, "error_msg": text}]}).values(),
    ]
    for found in texts_of(shown):
        assert found.isprintable()
        assert len(found) < 4200
    assert "vso[" not in str(shown) or "# #vso[" in str(shown)
    assert len(json.dumps(shown)) < 60_000


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for entry in value:
            yield from texts_of(entry)
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield name
            yield from texts_of(entry)


def test_more_parts_than_any_job_has_are_a_protocol_error() -> None:
    parts = {f"part-{number}": {"completed": "1"} for number in range(101)}
    with pytest.raises(DrsError, match="more than 100 parts"):
        parse_progress(progress_body(progress_map=parts))


@pytest.mark.parametrize(("parse", "body"), [(parse_statuses, status_body()), (parse_progress, progress_body())])
def test_a_job_given_twice_alike_is_one_job(parse: Callable[[object], Any], body: JSON) -> None:
    assert list(parse({"results": [*body["results"], *copy.deepcopy(body["results"])]})) == [A]


@pytest.mark.parametrize(
    ("parse", "body", "other"),
    [
        (parse_statuses, status_body(), status_body(status="DELETED")),
        (parse_statuses, status_body(), status_body(error_code="DRS.M00289")),
        (parse_progress, progress_body(), progress_body(transfer_status="DELETED")),
        (parse_progress, progress_body(incre_trans_delay="0"), progress_body(incre_trans_delay="900")),
    ],
)
def test_a_job_given_twice_with_different_content_is_a_protocol_error(
    parse: Callable[[object], Any], body: JSON, other: JSON
) -> None:
    with pytest.raises(DrsError, match=f"^The response holds job {A} twice, with different content.$"):
        parse({"results": [*body["results"], *other["results"]]})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"results": [{"id": A, "error_code": "DRS.M00289", "error_msg": "Gone."}]}, {A: ("DRS.M00289", "Gone.")}),
        ({"results": [{"id": A, "error_code": "DRS.M00289"}, {"id": B}]}, {A: ("DRS.M00289", None)}),
        ({"results": [{"job_id": A, "error_code": "DRS.M00289"}]}, {A: ("DRS.M00289", None)}),
        ({"error_code": "DRS.M00202", "error_msg": "The value of jobs is invalid."}, {}),
        ({"results": [{"error_code": "DRS.M00289"}]}, {}),
        ({"results": [{"id": A, "status": 5, "error_code": "DRS.M00289"}]}, {}),
        ("<html>", {}),
    ],
)
def test_the_jobs_that_a_refusal_names_are_read(body: JSON, expected: JSON) -> None:
    assert parse_refusals(body) == expected


def test_the_summary_counts_by_state_and_by_status() -> None:
    records = [
        *(StatusRecord(str(number), True, "PAUSING") for number in range(3)),
        StatusRecord("4", True, "PAUSEING"),
        StatusRecord("5", True, "BRAND_NEW"),
        StatusRecord("6", True),
        StatusRecord("7"),
        StatusRecord("8"),
        StatusRecord("9"),
    ]
    assert summary(records) == {
        "missing": ["7", "8", "9"],
        "counts": {
            "total": 9,
            "found": 6,
            "missing": 3,
            "by_state": {"paused": 4, "unknown": 2, "missing": 3},
            "by_status": {"PAUSING": 3, "PAUSEING": 1, "BRAND_NEW": 1},
        },
        "summary": "9 jobs: 3 missing, 4 paused, 2 unknown",
    }
    assert summary(records[:1])["summary"] == "1 job: 1 paused"
    assert summary([])["summary"] == "0 jobs: "


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("mysql-bin-changelog.001731:544", "mysql-bin-changelog.001731:544"),
        ("N/A", None),
        ("", None),
        (" ", None),
        (None, None),
        (544, None),
        ({"file": "x"}, None),
    ],
)
def test_a_position_is_kept_as_it_came_and_na_is_none(said: object, kept: str | None) -> None:
    item = {"job_id": "a", "transfer_status": "INCRE_TRANSFER_STARTED", "src_offset": said, "dst_offset": "0/16B3748"}
    item["node_offset"] = "binlog.000007:4"
    record = parse_progress({"results": [item]})["a"]
    assert (record.src_offset, record.node_offset, record.dst_offset) == (kept, "binlog.000007:4", "0/16B3748")
    assert record.as_dict()["src_offset"] == kept


GTIDS = ",".join(f"3e11fa47-71ca-11e1-9e33-c80aa942{number:04x}:1-{number + 7}" for number in range(48))


def test_positions_that_differ_at_their_end_alone_are_never_cut_to_the_same() -> None:
    assert 2000 < len(GTIDS) < 2048
    entry = {"job_id": "a", "transfer_status": "INCRE_TRANSFER_STARTED"}
    one, other = (parse_progress({"results": [{**entry, "src_offset": f"{GTIDS}{end}"}]})["a"] for end in "01")
    assert (one.src_offset, other.src_offset) == (f"{GTIDS}0", f"{GTIDS}1")
    shown = [record.as_dict()["src_offset"] for record in (one, other)]
    assert shown[0] != shown[1]
    for text in shown:
        assert re.fullmatch(re.escape(GTIDS[:60]) + r"\.\.\. \(2\d{3} characters, sha256 [0-9a-f]{64}\)", text)


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        *((nothing, None) for nothing in (None, -1, "-1")),
        *((zero, False) for zero in (0, "0", 0.0)),
        *((some, True) for some in (1, "12", 0.5)),
        # What cannot be read is no evidence that nothing is applied.
        *((strange, True) for strange in ("many", "", -2, [], {"rate": 0}, True)),
    ],
)
def test_rows_are_applied_unless_the_rate_is_zero_or_not_sent(sent: object, read: bool | None) -> None:
    item = {"job_id": "a", "transfer_status": "INCRE_TRANSFER_STARTED", "apply_rows_rate": sent}
    assert parse_progress({"results": [item]})["a"].rows_applied is read
