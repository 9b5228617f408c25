# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every format of every result: readable by what reads it, and true to the result."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import ListEntry, Rules, Subtasks
from ansible_collections.cutover.drs.plugins.module_utils._wait.recording import Recorder
from ansible_collections.cutover.drs.plugins.plugin_utils._report.wording import span
from ansible_collections.cutover.drs.plugins.plugin_utils._report.write import (
    SUFFIXES,
    ReportError,
    render,
    write_reports,
)
from ansible_collections.cutover.drs.tests.unit.builders import reading, sample
from ansible_collections.cutover.drs.tests.unit.reports.readers import junit, metrics, validator, waited
from ansible_collections.cutover.drs.tests.unit.reports.results import (
    BEGAN,
    CASES,
    NOON,
    OUTCOMES,
    RAN_BY,
    VERDICTS,
    configuration_result,
    cutover_result,
    observations,
    unread_result,
    wait_result,
    with_facts,
    without_stages,
)

TITLE = "Orders database"
# What a cutover's report says first.
SAYS = {
    "done": "The cutover succeeded.",
    "switch_failed": "The switch failed, and nothing was undone. Find out which side is in use.",
    "frozen": "The source may still be frozen. Check it now, and unfreeze it by hand.",
    "unfrozen": "Aborted safely: the source accepts writes again.",
    "not_begun": "The cutover did not begin, and nothing was frozen.",
}
CUTOVERS = {**{outcome: cutover_result(outcome) for outcome in OUTCOMES}, **without_stages()}


@pytest.mark.parametrize(("verdict", "jobs"), CASES)
def test_every_verdict_in_every_format(verdict: str, jobs: int) -> None:
    result = waited(verdict, jobs)
    assert result["verdict"] == verdict
    ready = verdict == "ready"

    read = json.loads(render(result, ".json", TITLE))
    assert read == json.loads(json.dumps(result))
    validator("wait-result").validate(read)

    page = render(result, ".html", TITLE)
    assert f'<span class="word">{verdict}</span>' in page
    assert ("The gate is open." in page) == ready
    assert all(job["id"] in page for job in result["jobs"])

    summary = render(result, ".md", TITLE)
    assert summary.splitlines()[2].startswith(f"{'✅' if ready else '❌'} **{verdict}**")
    assert len(re.findall(r"^\| [✅❌]", summary, re.MULTILINE)) == min(jobs, 20)
    assert (f"and {jobs - 20} more" in summary) == (jobs > 20)
    assert len(summary) < 20_000

    root = junit(render(result, ".xml", TITLE))
    cases = root.findall(".//testcase")
    assert len(cases) == int(root.attrib["tests"]) == 1 + jobs
    verdict_case = root.find(".//testcase[@classname='gate']")
    assert verdict_case is not None
    assert [child.tag for child in verdict_case] == ([] if ready else ["error" if verdict == "error" else "failure"])
    holds = {
        job["id"]: (
            ", ".join(hold["rule"] for hold in job["holds"]),
            "; ".join(f"[{hold['rule']}] {hold['text']}" for hold in job["holds"]),
        )
        for job in result["jobs"]
        if job["holds"]
    }
    failed = root.findall(".//testcase[failure]")
    shown = {
        case.attrib["classname"]: (case[0].attrib["type"], case[0].text) for case in failed if case is not verdict_case
    }
    assert shown == holds
    if ready:
        assert not failed

    found = metrics(render(result, ".prom", TITLE))
    assert found["drs_wait_ready",] == float(ready)
    assert {key[1] for key, value in found.items() if key[0] == "drs_wait_verdict" and value} == {verdict}
    assert len([key for key in found if key[0] == "drs_wait_verdict"]) == len(VERDICTS)
    for job in result["jobs"]:
        names = (job["id"], job["id"])
        assert found[("drs_wait_job_ready", *names)] == float(job["ready"])
        assert found[("drs_wait_job_state", *names, job["state"])] == 1
        assert found.get(("drs_wait_job_delay_seconds", *names)) == job["delay"]
        ratio = None if job["progress"] is None else job["progress"] / 100
        assert found.get(("drs_wait_job_progress_ratio", *names)) == ratio
    assert found["drs_wait_duration_seconds",] == result["elapsed"]
    assert found["drs_wait_errors",] == result["errors"]
    assert found["drs_wait_started_timestamp_seconds",] == NOON


@pytest.mark.parametrize("suffix", [".html", ".md", ".prom"])
def test_a_report_names_the_jobs_as_the_service_does(suffix: str) -> None:
    result = waited("timeout", 4)
    first, second, third, fourth = result["jobs"]
    named = [{**first, "name": "orders"}, {**second, "name": "stock"}, {**third, "name": "stock"}, fourth]
    report = render({**result, "jobs": named}, suffix, TITLE)
    if suffix == ".md":
        for job in named[:3]:
            assert f"| {job['name']}<br>`{job['id']}` |" in report
    elif suffix == ".prom":
        found = metrics(report)
        for job in named:
            assert ("drs_wait_job_ready", job["id"], job.get("name") or job["id"]) in found
    else:
        # Jobs that share a name are told apart by their ids.
        ids = [f"{job['id'][:4]}..{job['id'][-4:]}" for job in named]
        for shown in ("orders", f"stock ({ids[1]})", f"stock ({ids[2]})", ids[3]):
            assert shown in report


@pytest.mark.parametrize("suffix", [".html", ".md", ".xml"])
def test_a_report_says_where_the_jobs_were_read(suffix: str) -> None:
    connection = {"endpoint": "https://drs.example.com/base", "region": "eu-de", "project_id": "054b", "user": None}
    result = {**waited("ready", 1), "connection": connection}
    report = render(result, suffix, TITLE)
    assert all(value in report for value in connection.values() if value)
    validator("wait-result").validate(result)
    for gate in (cutover := cutover_result("unfrozen"))["gates"].values():
        gate["connection"] = connection
    assert "https://drs.example.com/base" in render(cutover, suffix, TITLE)


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_a_warning_is_in_the_report(suffix: str) -> None:
    warning = "Nothing moved in any job for 30m."
    for result in (waited("ready", 1), cutover_result("done", 1)):
        assert warning in render({**result, "warnings": [warning]}, suffix, TITLE)
    for left_out in (27, 0):
        report = render({**waited("timeout", 3), "jobs_left_out": left_out}, suffix, TITLE)
        assert (f"{left_out} more jobs are not in this report" in report) == bool(left_out)


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_subtasks_are_counted_and_those_that_are_not_ready_named(suffix: str) -> None:
    result = waited("timeout", 1)
    subtasks = [
        {"id": "sub-1", "status": "FULL_TRANSFER_STARTED", "ready": False},
        {"id": "sub-2", "status": "INCRE_TRANSFER_STARTED", "ready": True},
    ]
    report = render({**result, "jobs": [{**result["jobs"][0], "subtasks": subtasks}]}, suffix, TITLE)
    assert "1 of 2 subtasks ready" in report
    assert suffix == ".md" or ("sub-1" in report and "sub-2" not in report)
    assert "subtask" not in render(result, suffix, TITLE).replace("check_subtasks", "")


def test_a_single_sample_draws_no_curve_and_has_the_colour_of_a_time_out_but_not_its_name() -> None:
    page = render(wait_result("timeout", 4, timeout=0), ".html", TITLE)
    assert "<svg" not in page
    assert "<svg" in render(waited("timeout", 4), ".html", TITLE)
    assert '<header class="band warn">' in page
    assert '<p class="says">Not all jobs were ready in the one sample that was taken. The gate stays shut.</p>' in page


def test_the_delay_chart_shows_the_worst_jobs_that_have_a_delay() -> None:
    result = waited("timeout", 4)
    unknown = [f"unknown-{number}" for number in range(6)]
    jobs = [*({**result["jobs"][0], "id": job, "delay": None, "progress": None} for job in unknown), *result["jobs"]]
    page = render({**result, "jobs": jobs, "max_delay": 5}, ".html", TITLE)
    chart = page[page.index("<h2>Delay</h2>") : page.index("<h2>Progress of the full phase</h2>")]
    for job in result["jobs"]:
        assert f"{job['id'][:4]}..{job['id'][-4:]}</li>" in chart
    assert "unkn" not in chart


def test_a_job_has_one_colour_in_all_charts() -> None:
    result = waited("ready", 4)
    full = result["jobs"][0]["id"]
    series = [{**point, "delay": None} if point["id"] == full else point for point in result["series"]]
    jobs = [{**job, "delay": None} if job["id"] == full else job for job in result["jobs"]]
    page = render({**result, "series": series, "jobs": jobs}, ".html", TITLE)
    legends = re.findall(r'<i class="key (c\d)"></i>([^<]+)', page)
    assert len({name for _colour, name in legends}) == 4
    assert len(set(legends)) == 4


def legend_of(page: str, chart: str) -> str:
    begin = page.index(f"<h2>{chart}</h2>")
    return page[begin : page.index("</figure>", begin)]


def test_the_progress_chart_shows_the_slowest_jobs() -> None:
    result = waited("timeout", 12)
    jobs = [{**job, "name": f"shop-{number}", "progress": 100} for number, job in enumerate(result["jobs"])]
    for number, job in enumerate(jobs[:7]):
        job.update(status="FULL_TRANSFER_STARTED", delay=None, ready=False, progress=10 * number)
    page = render({**result, "jobs": jobs}, ".html", TITLE)
    shown = re.findall(r"</i>(shop-\d+)", legend_of(page, "Progress of the full phase"))
    assert sorted(shown) == [f"shop-{number}" for number in range(5)]


def test_a_chart_of_one_status_throughout_says_nothing_and_is_left_out() -> None:
    result = waited("ready", 4)
    begun = [{"at": result["started_at"], "id": job["id"], "from": None, "to": job["status"]} for job in result["jobs"]]
    page = render({**result, "transitions": begun}, ".html", TITLE)
    assert "<h2>Statuses</h2>" not in page
    assert "<h2>Delay</h2>" in page
    changed = {"at": result["finished_at"], "id": result["jobs"][0]["id"], "from": "INCRE_TRANSFER_STARTED", "to": None}
    for transitions in ([*begun, changed], [{**begun[0], "to": "FULL_TRANSFER_STARTED"}, *begun[1:]]):
        assert "<h2>Statuses</h2>" in render({**result, "transitions": transitions}, ".html", TITLE)


REPLAYED = {
    "file": "evidence/<orders>.jsonl",
    "recorded_at": "2026-11-24T12:00:00Z",
    "rules_changed": [{"rule": "max_delay", "recorded": 0, "replayed": 5}],
    "jobs_left_out": ["9a47"],
}
JUDGED_AGAIN = (
    "Samples of 24 Nov 2026, 12:00:00 UTC were judged again. This is no evidence: it says nothing of now. Rules that "
    "differ: max_delay 5 (recorded: 0). 1 job of the recording left out."
)


@pytest.mark.parametrize("verdict", ["ready", "timeout"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_replay_is_no_evidence_and_says_so_in_every_format(suffix: str, verdict: str) -> None:
    live = waited(verdict, 4)
    # Even one that claims to be valid is not.
    said = f"REPLAY, no evidence of now: {live['reason']}"
    result = {**live, "msg": said, "replay": REPLAYED}
    report = render(result, suffix, TITLE)
    if suffix == ".json":
        read = json.loads(report)
        assert (next(iter(read)), read["replay"], read["msg"]) == ("replay", REPLAYED, said)
        validator("wait-result").validate({**read, "valid_until": None})
        assert not validator("wait-result").is_valid({**read, "valid_until": "2026-11-24T12:00:00Z"})
        return
    assert f"REPLAY: {TITLE}" in report
    shows_nothing_ready(report, suffix)
    if suffix == ".prom":
        samples = [line for line in report.splitlines() if not line.startswith("#")]
        assert samples
        assert all(f'title="REPLAY: {TITLE}",replay="true"' in line for line in samples)
        assert "valid_until" not in report
        return
    assert JUDGED_AGAIN in report.replace("\\", "")
    assert "alid until" not in report
    if suffix == ".html":
        assert f'<span class="word">REPLAY: {verdict}</span>' in report
        assert f"<title>REPLAY: {TITLE}: {verdict}</title>" in report
    elif suffix == ".md":
        assert report.splitlines()[2].startswith(f"⚠️ **REPLAY: {verdict}** ")
    else:
        case = junit(report).find(".//testcase[@classname='gate']")
        assert case is not None
        assert [child.tag for child in case] == ["skipped" if verdict == "ready" else "failure"]
        assert "REPLAY, no evidence: " in f"{case[0].get('message')} {case[0].text}"


@pytest.mark.parametrize("replay", ["x", {}, [], 1, {"recorded_at": "x", "rules_changed": ["x", {}]}])
def test_what_is_not_known_to_be_a_wait_is_a_replay(replay: Any) -> None:
    for suffix in (".html", ".md", ".xml", ".prom"):
        report = render({**waited("ready", 1), "replay": replay}, suffix, TITLE)
        assert f"REPLAY: {TITLE}" in report
        shows_nothing_ready(report, suffix)


def test_a_full_phase_that_was_over_before_the_wait_has_no_chart() -> None:
    result = waited("ready", 4)
    over = [{**point, "progress": 100} for point in result["series"]]
    page = render({**result, "series": over}, ".html", TITLE)
    assert "Progress of the full phase" not in page
    assert "<h2>Delay</h2>" in page


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("customers with quite a long name of a job", "customers with quite…name of a job"),
        ("eu-de-production-shop-database-17-orders-2026", "eu-de-production-shop-…17-orders-2026"),
        ("x" * 60, f"{'x' * 22}…{'x' * 15}"),
    ],
)
def test_a_long_name_beside_a_row_loses_whole_words(name: str, shown: str) -> None:
    result = waited("ready", 4)
    jobs = [{**job, "name": name if number == 0 else "b"} for number, job in enumerate(result["jobs"])]
    page = render({**result, "jobs": jobs}, ".html", TITLE)
    assert f">{shown}<" in legend_of(page, "Statuses")


def cells(report: str, suffix: str) -> list[list[str]]:
    """Return the texts in the table of the databases, row by row."""
    if suffix == ".md":
        table = report[report.index("| Database") : report.index("| Stage")].splitlines()
        rows = [re.split(r"(?<!\\)\|", row)[1:-1] for row in table if row.startswith("|") and "---" not in row]
        return [[re.sub(r"[`\\]|<br>", " ", cell) for cell in row] for row in rows]
    table = report[report.index('<table class="databases">') : report.index("</table>")]
    rows = [
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        for row in re.findall("<tr>(.*?)</tr>", table, re.DOTALL)
    ]
    return [[re.sub("<[^>]*>", " ", cell.replace("<wbr>", "")) for cell in row] for row in rows]


def tidy(rows: list[list[str]]) -> list[list[str]]:
    return [[" ".join(cell.split()) for cell in row] for row in rows]


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_a_cutover_begins_with_a_table_of_its_databases(suffix: str) -> None:
    result = with_facts(cutover_result("done", 3))
    result["facts"]["stock"] = "7 tables"
    result["facts"][result["jobs"][2]] = {"tables": ["a", "b"], "equal": True, "lag": {"s": 0.5}}
    result["comparisons"] = {
        "consistent": True,
        "summary": "3 of 3 jobs consistent (rows)",
        "jobs": [
            {"id": job, "consistent": True, "comparisons": {"rows": {"verdict": "consistent"}}}
            for job in result["jobs"]
        ],
    }
    ids, quiet = result["jobs"], "source unmoved since 12:45:52 UTC"
    evidence = f"ready, delay 0 s; {quiet}; comparison: rows consistent"
    colon = "" if suffix == ".html" else ":"
    report = render(result, suffix, TITLE)
    assert tidy(cells(report, suffix)) == [
        ["Database", "Engine", "Facts", "Evidence", "Job"],
        [f"orders {ids[0]}", "mysql", f"rows{colon} 123621 checksum{colon} equal", evidence, "stopped"],
        [f"stock {ids[1]}", "mysql", "7 tables", evidence, "stopped"],
        [
            f"customers {ids[2]}",
            "postgresql",
            f"tables{colon} a, b equal{colon} yes lag{colon} s: 0.5 rows{colon} 206035 checksum{colon} equal",
            evidence,
            "stopped",
        ],
    ]
    # What is of no database is shown too.
    assert "CHG-20261124" in report
    assert report.index("CHG-20261124") < report.index("final")
    assert "3 of 3 jobs" in report
    validator("cutover-result").validate(json.loads(render(result, ".json", TITLE)))


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_databases_whose_job_was_not_ready_come_first_and_say_why(suffix: str) -> None:
    result = with_facts(cutover_result("unfrozen", 4))
    rows = tidy(cells(render(result, suffix, TITLE), suffix))
    assert [row[0].split()[0] for row in rows[1:]] == ["billing-archive", "orders", "stock", "customers"]
    assert [row[-2:] for row in rows[1:3]] == [
        ["not ready: delay 234 s; source unmoved since 12:45:52 UTC", "not stopped"],
        ["ready, delay 0 s; source unmoved since 12:45:52 UTC", "not stopped"],
    ]


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_of_databases_without_facts_and_engines_there_are_no_empty_columns(suffix: str) -> None:
    result = cutover_result("not_begun", 1)
    rows = tidy(cells(render(result, suffix, TITLE), suffix))
    assert rows == [["Database", "Evidence", "Job"], [*result["jobs"], "final gate not reached", "not stopped"]]


def test_a_stop_that_failed_may_have_stopped_a_job() -> None:
    result = cutover_result("frozen", 2)
    stop = {"name": "stop", "state": "failed", "started_at": None, "finished_at": None, "seconds": None, "by": "run"}
    first = result["jobs"][0]
    result["databases"][0]["stopped"] = True
    report = render({**result, "stages": [*result["stages"], stop]}, ".md", TITLE)
    assert {row[0]: row[-1] for row in tidy(cells(report, ".md"))[1:]} == {
        job: "stopped" if job == first else "may be stopped" for job in result["jobs"]
    }


def test_a_fact_of_a_name_that_two_jobs_have_is_shown_as_nobody_s() -> None:
    result = with_facts(cutover_result("done", 2))
    result["databases"] = [{**each, "name": "orders"} for each in result["databases"]]
    page = render(result, ".html", TITLE)
    assert "Facts" not in tidy(cells(page, ".html"))[0]
    assert "<dt>orders</dt><dd>rows: 123621, checksum: equal</dd>" in page


@pytest.mark.parametrize(
    "facts", [None, "x", 7, [], {}, {"orders": None}, {1: {2: 3}}, {"a": {"b": {"c": {"d": [{}]}}}}]
)
def test_facts_of_any_shape_break_no_report(facts: Any) -> None:
    for suffix in SUFFIXES:
        assert render({**with_facts(cutover_result("done", 2)), "facts": facts}, suffix, TITLE)


@pytest.mark.parametrize("suffix", [".html", ".md", ".xml"])
def test_a_report_says_who_ran_it_where(suffix: str) -> None:
    for result in (cutover_result("done", 1), {**waited("ready", 1), "ran_by": RAN_BY}):
        assert "ops on control-1" in render(result, suffix, TITLE).replace("\\", "")
        other = {**result, "ran_by": {**RAN_BY, "host": "db1"}}
        assert "ops on control-1, host db1" in render(other, suffix, TITLE).replace("\\", "")


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_local_time_stands_beside_utc(suffix: str, zone: Callable[[str], None]) -> None:
    zone("Asia/Kolkata")
    result = cutover_result("done", 4)
    page = render(result, suffix, TITLE)
    began, ended = ("12:00:00Z", "12:45:31Z") if suffix == ".md" else ("12:00:00 UTC", "12:47:56 UTC")
    assert f"{began} (17:30:00 IST)" in page
    assert f"{ended} ({'18:15:31' if suffix == '.md' else '18:17:56'} IST)" in page
    assert "valid until 2026-11-24T12:46:30Z (18:16:30 IST)" in page or suffix == ".html"
    if suffix == ".html":
        assert (
            '<span class="quiet">12:45:31 – 12:45:44 UTC</span><span class="quiet">18:15:31 – 18:15:44 IST</span>'
            in page
        )
    zone("Pacific/Auckland")
    assert "(25 Nov, 01:00:00 NZDT)" in render(result, suffix, TITLE)
    zone("UTC")
    assert "(" not in render(result, suffix, TITLE).partition("12:00:00")[2][:8]


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_nothing_is_cut_within_a_word(suffix: str) -> None:
    result = waited("timeout", 1)
    holds = [{"rule": "delay", "text": "measured " * 200}]
    report = render(
        {**result, "reason": "waiting " * 1000, "jobs": [{**result["jobs"][0], "holds": holds}]}, suffix, TITLE
    )
    assert re.findall(r"\w+(?=…)", report)
    assert set(re.findall(r"(\w+)…", report)) <= {"waiting", "measured"}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (12.44, "12.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (144.7, "2 min 25 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (90061, "1 d 1 h"),
        (86405, "1 d"),
    ],
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_thousand_jobs_stay_bounded(suffix: str) -> None:
    assert len(render(waited("failed", 1000), suffix, TITLE)) < 2**21


def test_junit_keeps_the_worst_of_more_than_a_thousand_jobs() -> None:
    result = waited("timeout", 4)
    good, bad = result["jobs"][0], result["jobs"][3]
    many = {**result, "jobs": [*({**good, "id": f"good-{number}"} for number in range(1200)), bad]}
    root = junit(render(many, ".xml", TITLE))
    assert len({case.attrib["classname"] for case in root.findall(".//testcase")}) == 1001
    assert root.find(f".//testcase[@classname='{bad['id']}']/failure") is not None
    assert root.find(".//property[@name='jobs_left_out'][@value='201']") is not None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_poll_that_failed_says_unread_of_each_job_and_missing_of_none(suffix: str) -> None:
    result = unread_result(15)
    report = render(result, suffix, TITLE)
    assert not re.search(r'state="missing"|[`>]missing[`<]|\[missing', report)
    if suffix == ".prom":
        found = metrics(report)
        assert len([key for key in found if key[0] == "drs_wait_job_state" and key[-1] == "unread"]) == 15
        assert found["drs_wait_jobs_held", "unread"] == 15
        assert found["drs_wait_jobs_held", "not_found"] == 0
    elif suffix == ".json":
        validator("wait-result").validate(json.loads(report))
        assert {(job["state"], job["holds"][0]["rule"]) for job in result["jobs"]} == {("unread", "unread")}
    else:
        assert report.count("unread") >= 15


@pytest.mark.parametrize("gate", ["approach", "final"])
def test_the_metrics_of_a_gate_of_a_cutover_carry_its_name_in_each_file(gate: str, tmp_path: Path) -> None:
    written, problems = write_reports([str(tmp_path / "shop.prom")], cutover_result("done"), "shop")
    assert ([Path(path).name for path in written], problems) == (["shop.prom"], [])
    for path in tmp_path.iterdir():
        for line in path.read_text().splitlines():
            assert not line.startswith("drs_wait_") or 'gate="' in line
    assert (
        f'drs_wait_ready{{title="shop: {gate} gate",gate="{gate}"}} 1' in (tmp_path / f"shop-{gate}.prom").read_text()
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bad_options_have_their_report(suffix: str) -> None:
    result = configuration_result()
    report = render(result, suffix, TITLE)
    if suffix == ".json":
        validator("wait-result").validate(json.loads(report))
    elif suffix == ".xml":
        assert int(junit(report).attrib["errors"]) == 1
    elif suffix == ".prom":
        assert metrics(report)["drs_wait_verdict", "error"] == 1
    else:
        assert "interval must be at least" in report


@pytest.mark.parametrize("name", CUTOVERS)
def test_a_cutover_in_every_format(name: str) -> None:
    result = CUTOVERS[name]
    ready, outcome = result["ready"], result["outcome"]
    gates = {name: gate["ready"] for name, gate in result["gates"].items()}
    times = {"Began": result["started_at"], "Ended": result["finished_at"]}
    stages = {stage["name"]: stage["state"] for stage in result["stages"]}
    failed = [name for name, state in stages.items() if state == "failed"]
    verdicts = {name: "ready" if opened else "timeout" for name, opened in gates.items()}

    read = json.loads(render(result, ".json", TITLE))
    assert read == json.loads(json.dumps(result))
    validator("cutover-result").validate(read)

    summary = render(result, ".md", TITLE)
    mark = {"done": "✅", "unfrozen": "⚠️", "not_begun": "⚠️"}.get(outcome, "❌")
    assert summary.splitlines()[2].startswith(f"{mark} **{outcome}** {SAYS[outcome]} ")
    assert re.findall(r"^## Gate: (.*)\n\n. \*\*(.*?)\*\*", summary, re.MULTILINE) == list(verdicts.items())
    assert re.findall(r"^\| ([a-z]+) \| (ok|failed) \| 2026-11-24T", summary, re.MULTILINE) == list(stages.items())
    assert re.findall(r"^Outage: \*\*(.*)\*\*$", summary, re.MULTILINE) == outages(result)
    # Where the outage has no end that is known.
    since_then = result["frozen_since"] is not None and result["outage_seconds"] is None
    assert ("Frozen since" in summary) == since_then
    assert ("| Stage |" in summary) == bool(stages)

    page = render(result, ".html", TITLE)
    assert f'<span class="word">{outcome.replace("_", " ")}</span>' in page
    tone = {"done": "good", "unfrozen": "warn", "not_begun": "warn"}.get(outcome, "bad")
    assert f'<header class="band {tone}">' in page
    assert f'<p class="says">{SAYS[outcome]}</p>' in page
    assert ("Frozen since" in page) == since_then
    # Those of the cutover come before its reason, and those of its gates after.
    before = page[: page.index('<section class="reason">')]
    assert re.findall("<dt>(Began|Ended)</dt>", before) == [told for told, at in times.items() if at]
    assert ('<ol class="stages">' in page) == bool(stages)
    shown = re.findall(r'<li class="stage (\w+)"><b>(\w+)</b><span class="state">(\w+)<', page)
    assert shown == [(state, name, state) for name, state in stages.items()]
    assert re.findall(r"<span>Gate: (\w+)</span> <span class=\"chip\">(\w+)<", page) == list(verdicts.items())
    # Whoever opens the report sees at once which gate failed.
    opened = re.findall(r'<details class="gate"( open)?>\n<summary><h2 .*<span>Gate: (\w+)<', page)
    assert {name: not is_open for is_open, name in opened} == gates
    assert re.findall(r"<strong>(.*)</strong> outage", page) == outages(result)
    # Where nothing was frozen there is no outage to draw.
    assert ("From the freeze on" in page) == ("freeze" in stages)

    root = junit(render(result, ".xml", TITLE))
    assert [suite.attrib["name"] for suite in root] == [TITLE, *(f"{TITLE}: {name} gate" for name in gates)]
    assert [case.attrib["name"] for case in root[0].iter("testcase")] == ["outcome", *stages]
    assert failed_of(root[0]) == ([] if ready else ["outcome", *failed])
    assert [not failed_of(suite) for suite in root[1:]] == list(gates.values())

    found = metrics(render(result, ".prom", TITLE))
    assert found["drs_cutover_ready",] == float(ready)
    assert found["drs_cutover_outcome", outcome] == 1
    assert {key[1]: value for key, value in found.items() if key[0] == "drs_wait_ready"} == gates
    assert [key[1:] for key in found if key[0] == "drs_cutover_stage_state"] == list(stages.items())
    for stage in result["stages"]:
        assert found["drs_cutover_stage_duration_seconds", stage["name"]] == stage["seconds"]
    assert found.get(("drs_cutover_outage_seconds",)) == result["outage_seconds"]
    assert (("drs_cutover_started_timestamp_seconds",) in found) == (times["Began"] is not None)
    assert (("drs_cutover_finished_timestamp_seconds",) in found) == (times["Ended"] is not None)
    if stages:
        assert found["drs_cutover_started_timestamp_seconds",] == pytest.approx(BEGAN, abs=1e-6)


def outages(result: dict[str, Any]) -> list[str]:
    return {None: [], 144.6: ["2 min 25 s"], 115.4: ["1 min 55 s"]}[result["outage_seconds"]]


def failed_of(suite: ElementTree.Element) -> list[str]:
    return [case.attrib["name"] for case in suite.iter("testcase") if case.find("failure") is not None]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("gates", [None, {}, {"approach": {}}, {"approach": configuration_result()}, "none"])
def test_a_cutover_that_stopped_early_has_its_report(suffix: str, gates: Any) -> None:
    stages = [{"name": "approach", "state": "failed"}]
    early = {"kind": "cutover", "outcome": "not_begun", "ready": False, "reason": "No.", "stages": stages}
    report = render({**early, "gates": gates, "outage_seconds": None}, suffix, TITLE)
    if suffix == ".json":
        assert json.loads(report)["stages"] == stages
    else:
        shows_nothing_ready(report, suffix)


def shows_nothing_ready(report: str, suffix: str) -> None:
    """Neither the result nor a gate in it; single jobs may be."""
    if suffix == ".md":
        marks = set(re.findall(r"^([^\w\s]+) \*\*", report, re.MULTILINE))
        assert marks
        assert marks <= {"❌", "⚠️"}
    elif suffix == ".html":
        tones = re.findall(r'class="(?:band|gate-head) (\w+)"', report)
        assert tones
        assert "good" not in tones
        assert not re.search(r"The gate is open\.|The cutover succeeded", report)
    elif suffix == ".xml":
        assert all(suite.find("testcase[1]/*") is not None for suite in junit(report))
    else:
        found = metrics(report)
        verdicts = [value for key, value in found.items() if key[0] in ("drs_wait_ready", "drs_cutover_ready")]
        assert set(verdicts) == {0}


def strings(value: Any) -> Any:
    """Return what templating may make of a result."""
    if isinstance(value, dict):
        return {name: strings(entry) for name, entry in value.items()}
    return [strings(entry) for entry in value] if isinstance(value, list) else value if value is None else str(value)


MANGLED: dict[str, Any] = {
    "nothing": {},
    "strings": strings(wait_result("timeout", 4)),
    "numbers": dict.fromkeys(wait_result("timeout", 1), 10**400),
    "nan": dict.fromkeys(wait_result("timeout", 1), float("nan")),
    "none": dict.fromkeys(wait_result("timeout", 1)),
    "lists": {name: [None, 1, "x", [], {}] for name in wait_result("timeout", 1)},
    "dicts": {name: {"x": None, 1: [2]} for name in wait_result("timeout", 1)},
    "negative": {"verdict": "timeout", "elapsed": -5, "jobs": [{"id": "a", "delay": -1, "progress": 900}]},
    "times": {
        "started_at": "0001-01-01T00:00:00Z",
        "finished_at": "9999-12-31T23:59:59Z",
        "transitions": [{"at": "x"}],
    },
    "far apart": {
        "series": [
            {"at": "1971-01-01T00:00:00Z", "id": "a", "delay": 5, "progress": 1},
            {"at": "2971-01-01T00:00:00Z", "id": "a", "delay": "1e300", "progress": -7},
        ]
    },
    "cutover": {
        "kind": "cutover",
        "stages": [{}, None, "x"],
        "outage_seconds": "12.5",
        "gates": {"final": {"jobs": [{}]}},
    },
}


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".json"])
@pytest.mark.parametrize("name", MANGLED)
def test_mangled_values_never_open_a_gate_and_never_break_a_report(name: str, suffix: str) -> None:
    shows_nothing_ready(render(MANGLED[name], suffix, TITLE), suffix)


@pytest.mark.parametrize("name", MANGLED)
def test_mangled_values_are_json_that_any_reader_takes(name: str) -> None:
    def no_json(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    assert json.loads(render(MANGLED[name], ".json", TITLE), parse_constant=no_json).keys() == MANGLED[name].keys()


@pytest.mark.parametrize(
    "claim", [{"ready": True, "verdict": "timeout"}, {"ready": False, "verdict": "ready"}, {"verdict": "ready"}]
)
def test_a_result_that_contradicts_itself_is_not_ready(claim: dict[str, Any]) -> None:
    result = {**waited("timeout", 1), "ready": None, **claim}
    assert metrics(render(result, ".prom", TITLE))["drs_wait_ready",] == 0
    assert "The gate is open." not in render(result, ".html", TITLE)
    assert "❌" in render(result, ".md", TITLE).splitlines()[2]


@pytest.mark.parametrize(
    "claim",
    [{"ready": True, "outcome": "frozen"}, {"ready": False, "outcome": "done"}, {"ready": True, "outcome": "new"}],
)
def test_a_cutover_that_contradicts_itself_did_not_succeed(claim: dict[str, Any]) -> None:
    result = {**cutover_result("frozen"), **claim}
    assert metrics(render(result, ".prom", TITLE))["drs_cutover_ready",] == 0
    page = render(result, ".html", TITLE)
    assert SAYS["done"] not in page
    assert '<header class="band bad">' in page
    assert "❌" in render(result, ".md", TITLE).splitlines()[2]


def test_numbers_that_became_strings_are_read() -> None:
    found = metrics(render(strings(waited("ready", 1)), ".prom", TITLE))
    assert found["drs_wait_ready",] == 1
    job_id = waited("ready", 1)["jobs"][0]["id"]
    assert found["drs_wait_job_progress_ratio", job_id, job_id] == 1


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_order_of_keys_changes_nothing(suffix: str) -> None:
    result = waited("timeout", 4)
    assert render(dict(reversed(result.items())), suffix, TITLE) == render(result, suffix, TITLE)


@pytest.mark.parametrize("suffix", ["", ".pdf", ".HTML", "\x1b[31m"])
def test_another_suffix_is_one_sentence(suffix: str) -> None:
    with pytest.raises(ReportError, match=r'^Unknown report format ".*"\. Use one of .html, .json, .*\.$') as said:
        render(waited("ready", 1), suffix, TITLE)
    assert str(said.value).isprintable()


def test_lines_of_a_recording_are_as_their_schema_says(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    rules = Rules(max_delay=5)
    with Recorder(str(path), ["a"], rules, NOON) as recorder:
        for seen in observations("failed", 4, 3600, rules):
            recorder.observed(seen)
        said = ListEntry("PAUSING", "FULL_TRANS", "DRS.M1", "Full.", "SWITCH_OVER")
        whole = reading(
            "a", entry=said, subtasks=Subtasks((reading("b", entry=said, subtasks=Subtasks()),), problem="Not known.")
        )
        recorder.observed(sample(7200, whole))
        recorder.verdict("failed", "1 job failed.")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["type"] for line in lines} == {"start", "sample", "failed_poll", "verdict"}
    for line in lines:
        validator("recording-line").validate(line)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "ready"},
        {"ready": True},
        {"jobs": []},
        {"started_at": "yesterday"},
        {"elapsed": "5"},
        {"jobs": [{**configuration_result()}]},
    ],
)
def test_the_schema_refuses_what_no_wait_returns(change: dict[str, Any]) -> None:
    small = configuration_result() if "jobs" in change else waited("timeout", 1)
    assert not validator("wait-result").is_valid({**small, **change})


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_a_report_tells_of_each_job_whether_its_source_moved_and_of_all_on_its_first_screen(suffix: str) -> None:
    result = waited("ready", 3)
    assert "source position" not in render(result, suffix, TITLE).lower()

    def moved(*states: str) -> str:
        quiet = [
            {"state": state, "since": "2026-11-24T12:15:18Z", "from": None, "to": f"at:{state}"} for state in states
        ]
        jobs = [{**job, "quiet": each} for job, each in zip(result["jobs"], quiet, strict=True)]
        return render({**result, "jobs": jobs}, suffix, TITLE)

    page = moved("unmoved", "moved", "unknown")
    for said in ("source unmoved since 12:15:18 UTC", "source moved", "source seen once", "at:unmoved", "at:unknown"):
        assert said in page
    assert page.index("unmoved for 1 of 3 jobs") < page.index("source seen once")
    assert moved("unmoved", "unmoved", "unmoved").count("unmoved since 12:15:18 UTC") == 4


def test_a_report_s_first_screen_says_what_the_switch_rested_on() -> None:
    result = cutover_result("done", 3)
    for job in result["gates"]["final"]["jobs"]:
        job["quiet"] = {"state": "unmoved", "since": "2026-11-24T12:15:18Z", "from": None, "to": "mysql-bin.12:7"}
    result["comparisons"] = {"consistent": True, "summary": "3 of 3 jobs consistent (rows)", "jobs": []}
    said = (
        "3 of 3 jobs ready (delay of at most 0 s); source position unmoved since 12:15:18 UTC; "
        "comparison after the freeze: 3 of 3 jobs consistent (rows)"
    )
    page = render(result, ".html", TITLE)
    assert page.index(said) < page.index("<h2>Stages</h2>")
    assert said in render(result, ".md", TITLE).replace("\\", "")
    # Without any of it that is said too.
    bare = "3 of 3 jobs ready (delay of at most 0 s); source position not known; comparison after the freeze: none"
    assert bare in render(cutover_result("done", 3), ".html", TITLE)
