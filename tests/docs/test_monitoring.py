# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shipped alert rules and dashboard, in a real Prometheus that scrapes a real node exporter."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.plugins.plugin_utils._report.prometheus import _HELP
from ansible_collections.cutover.drs.plugins.plugin_utils._report.write import render, write_reports
from ansible_collections.cutover.drs.tests.docs.blocks import EXAMPLES
from ansible_collections.cutover.drs.tests.servers import free_port
from ansible_collections.cutover.drs.tests.unit.reports.results import cutover_result, unread_result, wait_result

RULES = EXAMPLES / "drs-alerts.yml"
DASHBOARD = json.loads((EXAMPLES / "drs-dashboard.json").read_text(encoding="utf-8"))
CASES = Path(__file__).with_name("alerts.yml")
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
# Longer than any start took, and yet an end.
PATIENCE = 60.0


def program(name: str) -> str:
    """Return a program of the Debian packages prometheus and prometheus-node-exporter; skips the test without it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian packages prometheus and prometheus-node-exporter)")
    return found


def test_promtool_accepts_the_rules_and_fires_them_when_it_should(tmp_path: Path) -> None:
    """The cases in alerts.yml: each alert with its labels and text, and the times at which none fires."""
    promtool = program("promtool")
    # The file names its rules relative to itself.
    shutil.copy(RULES, tmp_path)
    shutil.copy(CASES, tmp_path)
    for command in (["check", "rules", RULES.name], ["test", "rules", CASES.name]):
        done = subprocess.run([promtool, *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_no_alert_tells_of_a_cutover_of_long_ago_nor_of_jobs_that_one_poll_could_not_read(tmp_path: Path) -> None:
    """What the collection itself wrote for both, as Prometheus has it an hour later."""
    promtool = program("promtool")
    shutil.copy(RULES, tmp_path)
    folder = tmp_path / "textfile"
    _written, problems = write_reports([str(folder / "shop.prom")], cutover_result("done"), "shop")
    assert not problems
    (folder / "monitor.prom").write_text(render(unread_result(15), ".prom", "monitor"))
    lines = [line for path in folder.iterdir() for line in path.read_text().splitlines() if line[0] != "#"]
    assert len(lines) > 100
    failed = {
        "exp_labels": {"title": "monitor", "verdict": "error", "severity": "warning"},
        "exp_annotations": {
            "summary": "monitor: the DRS jobs cannot be read",
            "description": "The log of the playbook states the kind of the failure and what to do about it.",
        },
    }
    alerts = [rule["alert"] for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]]
    cases = {
        "rule_files": [RULES.name],
        "tests": [
            {
                "interval": "5m",
                # Its clock begins at 0.
                "input_series": [
                    {"series": name, "values": f"{0 if 'timestamp' in name else value}x20"}
                    for name, _space, value in (line.rpartition(" ") for line in lines)
                    # This monitor reads again.
                    if "finished_timestamp" not in name or "monitor" not in name
                ],
                "alert_rule_test": [
                    {
                        "alertname": alert,
                        "eval_time": "60m",
                        "exp_alerts": [failed] if alert == "DrsReadFailed" else [],
                    }
                    for alert in alerts
                ],
            }
        ],
    }
    (tmp_path / "cases.yml").write_text(yaml.safe_dump(cases), encoding="utf-8")
    command = [promtool, "test", "rules", "cases.yml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    """No rule ships that was never seen firing."""
    rules = {rule["alert"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]}
    cases = [case for test in yaml.safe_load(CASES.read_text())["tests"] for case in test["alert_rule_test"]]
    assert rules == {case["alertname"] for case in cases if case.get("exp_alerts")}


def test_rules_and_dashboard_use_metrics_that_exist() -> None:
    """A renamed metric must not leave an empty panel, or an alert that never fires."""
    texts = [*EXPRESSIONS, *(rule["expr"] for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"])]
    used = {name for text in texts for name in re.findall(r"\bdrs_[a-z_]+", text)}
    assert used
    assert used <= set(_HELP)


def test_the_panels_have_distinct_ids_and_places() -> None:
    """Grafana drops a panel whose id is taken, and moves one that overlaps."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program, until the block ends."""
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


class Prometheus:
    """The HTTP API of the running program."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1/"

    def ask(self, path: str, **query: str) -> Any:
        """Return the data of a response."""
        url = f"{self._url}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)["data"]

    def series(self, expression: str) -> list[dict[str, str]]:
        """Return the labels of what an expression finds."""
        return [found["metric"] for found in self.ask("query", query=expression)["result"]]

    def until(self, expression: str) -> list[dict[str, str]]:
        """Return the same, as soon as it finds something."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            try:
                if found := self.series(expression):
                    return found
            except OSError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"{expression} found nothing within {PATIENCE:.0f} s")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus with the shipped rules, scraping what the collection wrote for four jobs and for a cutover."""
    server, exporter = program("prometheus"), program("prometheus-node-exporter")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "textfile").mkdir()
    result = wait_result("failed", 4)
    result["jobs"][3]["name"] = "orders"
    cutovers = {"shop": cutover_result("frozen"), "stock": cutover_result("done")}
    for name, content in {"orders": result, **cutovers}.items():
        (folder / "textfile" / f"drs_{name}.prom").write_text(render(content, ".prom", name), encoding="utf-8")
    ports = free_port(), free_port()
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [{"job_name": "node", "static_configs": [{"targets": [f"127.0.0.1:{ports[0]}"]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with ExitStack() as stack:
        textfiles = f"--collector.textfile.directory={folder / 'textfile'}"
        listen = f"--web.listen-address=127.0.0.1:{ports[0]}"
        command = [exporter, "--collector.disable-defaults", "--collector.textfile", textfiles, listen]
        stack.enter_context(running(command, folder / "exporter.log"))
        listen = f"--web.listen-address=127.0.0.1:{ports[1]}"
        storage = f"--storage.tsdb.path={folder / 'data'}"
        command = [server, f"--config.file={folder / 'prometheus.yml'}", storage, listen]
        stack.enter_context(running(command, folder / "prometheus.log"))
        api = Prometheus(ports[1])
        api.until("drs_cutover_outcome")
        yield api


def test_no_label_is_renamed_by_the_scrape(prometheus: Prometheus) -> None:
    """Prometheus sets job and instance itself; a label of ours by that name would become exported_job."""
    jobs = prometheus.until('drs_wait_job_ready{title="orders"}')
    assert all(labels["job"] == "node" and not any(name.startswith("exported_") for name in labels) for labels in jobs)
    assert [labels["job_id"] for labels in jobs if labels["job_name"] == "orders"] == [
        wait_result("failed", 4)["jobs"][3]["id"]
    ]
    assert prometheus.series("node_textfile_scrape_error == 0"), "the node exporter dropped a file"


def test_the_alerts_name_the_job_and_the_cutover(prometheus: Prometheus) -> None:
    """With the text that a person reads at night."""
    for alert in ("DrsJobStopped", "DrsCutoverNeedsAPerson"):
        prometheus.until(f'ALERTS{{alertname="{alert}", alertstate="firing"}}')
    told = {
        alert["annotations"]["summary"] for alert in prometheus.ask("alerts")["alerts"] if alert["state"] == "firing"
    }
    assert "orders: DRS job orders is failed" in told
    assert "shop: the cutover ended as frozen" in told


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_panel_finds_something(prometheus: Prometheus, expression: str) -> None:
    """The dashboard's queries, with the variable that Grafana fills in."""
    assert prometheus.until(expression.replace("$title", ".*"))


def test_the_list_of_titles_finds_each(prometheus: Prometheus) -> None:
    """The dashboard's own variable, by the interface that Grafana asks for it."""
    (query,) = (entry["query"]["query"] for entry in DASHBOARD["templating"]["list"] if entry["name"] == "title")
    metric, label = re.findall(r"\w+", query.removeprefix("label_values"))
    assert prometheus.ask(f"label/{label}/values", **{"match[]": metric}) == ["orders", "shop", "stock"]
