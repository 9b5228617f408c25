# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One table over all hosts, and the page over all reports in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._cutover.waves import (
    BEGUN,
    FINISHED,
    table_at_the_end,
    too_few_forks,
)
from ansible_collections.cutover.drs.plugins.plugin_utils._report import overview
from ansible_collections.cutover.drs.plugins.plugin_utils._report.overview import (
    Row,
    files_in,
    rows_of,
    table,
    totals,
    write_index,
)

DONE = {
    "kind": "cutover",
    "outcome": "done",
    "ready": True,
    "reason": "The target is the database in use.",
    "outage_seconds": 7.2,
}
UNFROZEN = {
    "kind": "cutover",
    "outcome": "unfrozen",
    "ready": False,
    "reason": "The final gate is not ready.",
    "outage_seconds": 12,
}
FROZEN = {"kind": "cutover", "outcome": "frozen", "ready": False, "reason": "No route to host."}


class Hosts(dict[str, Any]):
    """The variables of all hosts, as Ansible hands them over."""

    def raw_get(self, host: str) -> Any:
        return self[host]


def of_host(host: str, wave: list[str], result: dict[str, Any] | None = None, at: float = 0.0) -> dict[str, Any]:
    """What the role has registered on a host: with a result, if it has finished."""
    known: dict[str, Any] = {BEGUN: {"host": host, "run": f"run-{host}", "wave": wave}}
    if result:
        known[FINISHED] = {"run": f"run-{host}", "at": at, "result": result}
    return known


def at_the_end(host: str, hosts: dict[str, dict[str, Any]], *, dead: tuple[str, ...] = ()) -> list[str]:
    alive = [name for name in hosts if name not in dead]
    play = {"ansible_play_hosts_all": [*hosts], "ansible_play_hosts": alive, "hostvars": Hosts(hosts)}
    mine = hosts[host]
    return table_at_the_end(play, host, mine[BEGUN], mine.get(FINISHED, {}))


WAVE = ["db-1", "db-2"]


def test_the_last_host_of_a_wave_shows_all_hosts_of_the_play_in_their_order() -> None:
    hosts = {
        "db-1": of_host("db-1", WAVE, UNFROZEN, at=5),
        "db-2": of_host("db-2", WAVE, DONE, at=3),
        "db-3": {},
    }
    assert at_the_end("db-1", hosts) == [
        "All hosts: 1 unfrozen, 1 not yet, 1 done; longest outage 12 s",
        "host  outcome   outage  reason",
        "db-1  unfrozen  12 s    The final gate is not ready.",
        "db-2  done      7.2 s",
        "db-3  not yet   -",
    ]
    assert at_the_end("db-2", hosts) == []


def test_no_table_is_shown_while_a_host_of_the_wave_goes_on() -> None:
    hosts = {"db-1": of_host("db-1", WAVE, DONE, at=5), "db-2": of_host("db-2", WAVE)}
    assert at_the_end("db-1", hosts) == []
    # It is slow, and has not begun.
    assert at_the_end("db-1", {**hosts, "db-2": {}}) == []


def test_a_host_that_the_run_lost_is_not_waited_for() -> None:
    hosts = {"db-1": of_host("db-1", WAVE, DONE, at=5), "db-2": of_host("db-2", WAVE)}
    lines = at_the_end("db-1", hosts, dead=("db-2",))
    assert lines[0] == "All hosts: 1 lost, 1 done; longest outage 7.2 s"
    assert lines[-1].startswith("db-2  lost     -       The run lost it. Its guard unfreezes it")


def test_a_host_alone_shows_no_table() -> None:
    assert at_the_end("db-1", {"db-1": of_host("db-1", ["db-1"], DONE)}) == []


def test_a_result_of_another_cutover_of_the_play_does_not_count() -> None:
    earlier = of_host("db-2", WAVE, DONE, at=1)
    earlier[BEGUN]["run"] = "another"
    assert at_the_end("db-1", {"db-1": of_host("db-1", WAVE, DONE, at=5), "db-2": earlier}) == []


def test_a_table_stays_narrow_whatever_a_host_is_called_and_says() -> None:
    lines = table([Row("n" * 99, "unfrozen", "warn", 3.0, reason="because " * 99)])
    assert max(map(len, lines)) < 160


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, result in {"orders": DONE, "stock": FROZEN, "shop <b>": UNFROZEN}.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(result), encoding="utf-8")
        (tmp_path / f"{name}-final.json").write_text(json.dumps({"verdict": "ready"}), encoding="utf-8")
    (tmp_path / "orders.html").touch()
    (tmp_path / "notes.json").write_text("[]", encoding="utf-8")
    (tmp_path / "damaged.json").write_text("{", encoding="utf-8")
    return tmp_path


def test_the_index_has_a_row_for_each_report_of_a_cutover_the_worst_first(folder: Path) -> None:
    rows = rows_of(files_in(folder))
    assert [(row.name, row.outcome, row.page) for row in rows] == [
        ("stock", "frozen", "stock.json"),
        ("shop <b>", "unfrozen", "shop <b>.json"),
        ("orders", "done", "orders.html"),
    ]
    assert totals(rows) == "1 frozen, 1 unfrozen, 1 done; longest outage 12 s"


def test_the_index_escapes_what_it_shows_and_needs_nothing_else(folder: Path) -> None:
    assert write_index(str(folder / "index.html")) is None
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert '<a href="shop%20%3Cb%3E.json">shop &lt;b&gt;</a>' in page
    assert '<h1><span class="title">DRS cutovers</span>' in page
    assert "1 of 3 done" in page
    assert "<script" not in page


def test_an_index_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "index.html").mkdir()
    said = write_index(str(tmp_path / "index.html"))
    assert said is not None
    assert said.startswith(f"The index {tmp_path}/index.html was not written: ")


def test_a_report_that_another_host_wrote_meanwhile_is_not_missed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = overview.write_whole

    def late(path: Path, content: bytes, mode: int) -> Path:
        (folder / "late.json").write_text(json.dumps(DONE), encoding="utf-8")
        return written(path, content, mode)

    monkeypatch.setattr(overview, "write_whole", late)
    write_index(str(folder / "index.html"))
    assert ">late</a>" in (folder / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("hosts", "forks", "warns"), [(6, 5, True), (5, 5, False), (6, None, False)])
def test_a_wave_with_more_hosts_than_forks_is_warned_of(hosts: int, forks: int | None, warns: bool) -> None:
    said = too_few_forks({"ansible_play_batch": [f"db-{number}" for number in range(hosts)], "ansible_forks": forks})
    waiting = "so some databases are frozen while they wait for their turn"
    advice = "Run it with --forks 6, or make the waves smaller (serial)."
    assert said == ([f"This wave has 6 hosts and Ansible 5 forks, {waiting}. {advice}"] if warns else [])
