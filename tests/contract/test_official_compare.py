# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vendor's own client and this collection's read comparisons, engines and positions of the simulator alike."""

from __future__ import annotations

import json
from typing import Any

from huaweicloudsdkdrs import v3

from ansible_collections.cutover.drs.plugins.module_utils._job.comparisons import CompareKind
from ansible_collections.cutover.drs.plugins.module_utils._service.jobs.comparisons import compared
from ansible_collections.cutover.drs.tests.contract.support import BODIES, Both
from ansible_collections.cutover.drs.tests.unit.service.support import JOBS

JOB = JOBS[0]
COMPARISONS = [
    {"id": "rows-1", "results": {"shop": "CONSISTENT", "crm": "INCONSISTENT"}},
    {"id": "values-1", "type": "contents", "uncompared": 1},
    {"id": "objects-1", "type": "object_comparison", "results": {"TABLE": "CONSISTENT"}},
    {"id": "rows-0", "began": -600, "status": "FAILED"},
]
ALL = {"line_compare_id": "rows-1", "content_compare_id": "values-1", "object_level_compare_id": "objects-1"}


def live(**job: Any) -> dict[str, Any]:
    return {"jobs": [{"id": JOB, "status": "INCRE_TRANSFER_STARTED", **job}]}


def test_both_send_the_same_request(both: Both) -> None:
    simulator, official, client = both(**live(comparisons=COMPARISONS))
    official.compared(JOB)
    official.compared(JOB, line_compare_id="rows-1")
    compared(client, JOB, [CompareKind.ROWS], None)
    sent = [{part: entry[part] for part in ("method", "path", "body", "status")} for entry in simulator.requests]
    assert sent[:2] == sent[2:]


def test_every_part_of_an_answer_is_read_alike(both: Both) -> None:
    _simulator, official, client = both(**live(comparisons=COMPARISONS))
    answer = official.compared(JOB, **ALL)
    listed = {task.compare_task_id: task for task in answer.compare_task_list_results.compare_task_list}
    assert answer.compare_task_list_results.compare_task_list_count == len(listed) == 4
    ours = compared(client, JOB, list(CompareKind), None)
    assert ours.listed == listed.keys()
    for comparison in ours.by_kind.values():
        task = listed[str(comparison.id)]
        assert comparison.status == task.compare_task_status
        assert comparison.started_at == int(task.create_time) / 1000
        assert comparison.ended_at == int(task.end_time) / 1000
    lines, contents = answer.line_compare_results, answer.content_compare_results
    rows = ours.by_kind[CompareKind.ROWS]
    assert rows.databases == lines.line_compare_overview_count == len(lines.line_compare_overview)
    assert rows.different == [entry.line_compare_result for entry in lines.line_compare_overview].count("INCONSISTENT")
    assert contents.content_compare_details[0].content_uncompare_detail_count == 1
    [objects] = answer.object_level_compare_results.object_compare_overview
    assert (objects.object_type, objects.object_compare_result, objects.diff_count) == ("TABLE", "CONSISTENT", 0)
    verdicts = {kind.value: comparison.verdict.value for kind, comparison in ours.by_kind.items()}
    assert verdicts == {"objects": "consistent", "rows": "inconsistent", "values": "incomplete"}


def test_pages_are_counted_alike(both: Both) -> None:
    _simulator, official, client = both(**live(comparisons=COMPARISONS, compare_page=3))
    pages = [official.compared(JOB, page=number, size=3).compare_task_list_results for number in (1, 2)]
    assert [len(page.compare_task_list) for page in pages] == [3, 1]
    ids = {task.compare_task_id for page in pages for task in page.compare_task_list}
    assert compared(client, JOB, [CompareKind.OBJECTS], None).listed == ids


def test_the_published_request_and_answer_are_those_of_the_vendor_s_client() -> None:
    asked = json.loads((BODIES / "compare-result-v3-request-documented.json").read_text("utf-8"))
    assert asked.keys() == v3.QueryCompareResultReq.attribute_map.keys()
    answer = json.loads((BODIES / "compare-result-v3-documented.json").read_text("utf-8"))
    assert answer.keys() <= v3.ListCompareResultResponse.attribute_map.keys()


def test_engines_and_policy_are_read_alike(both: Both) -> None:
    _simulator, official, client = both(**live(type="sync", source_engine="postgresql", conflict_policy="ignore"))
    [item] = official.details([JOB])
    [record] = client.details([JOB])
    assert (item.source_endpoint.db_type, item.target_endpoint.db_type) == (record.source_engine, record.target_engine)
    assert (item.db_use_type, item.conflict_policy) == (record.type, record.conflict_policy) == ("sync", "ignore")


def test_what_the_vendor_s_client_does_not_know_of_a_position_ours_reads(both: Both) -> None:
    _simulator, _official, client = both(**live(position="mysql-bin.000012:500"))
    assert client.progress([JOB])[0].src_offset == "mysql-bin.000012:500"
