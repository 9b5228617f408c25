# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several hosts in one play, each with jobs of its own, as users have them for several databases."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from ansible.release import __version__

from ansible_collections.cutover.drs.tests.playbooks.ending import eventually
from ansible_collections.cutover.drs.tests.playbooks.support import FAIL, Cutover, Place, Tasks, ask

HOST = "{{ inventory_hostname }}"
# Before, any_errors_fatal ended no host if the failure was rescued.
ENDS_OTHERS = not __version__.startswith("2.16.")


class TwoHosts(Cutover):
    """Hosts one and two, each with a job, a journal and a report."""

    def __init__(self, place: Place, **options: Any) -> None:
        own = {"reports": [f"report-{HOST}.json"], "journal": f"state-{HOST}.json"}
        super().__init__(place, **{**own, **options})
        self.options["jobs"] = [f"{self.job}-{HOST}"]
        python = {"ansible_python_interpreter": sys.executable}
        self.keywords = {"hosts": "all", "connection": "local", "vars": python}
        for host in ("one", "two"):
            self.change_of(host, status="INCRE_TRANSFER_STARTED", delay=3)

    def change_of(self, host: str, **changes: Any) -> None:
        ask(self.place.sim["control"], f"jobs/{self.job}-{host}", changes, "PATCH")

    def changing_of(self, host: str, **changes: Any) -> dict[str, Any]:
        task = {
            "ansible.legacy.simulator": {"job": f"{self.job}-{host}", "changes": changes},
            "vars": {"sim": self.place.sim},
        }
        return {**task, "when": f"inventory_hostname == '{host}'"}

    def files(self, **more: Tasks) -> None:
        for name in ("freeze", "verify", "switch", "unfreeze"):
            note = {"ansible.legacy.simulator": {"note": f"{HOST}:{name}", "to": str(self.folder / "ran")}}
            self.write(name, json.dumps([note, *more.get(name, [])]))

    def of(self, host: str) -> list[str]:
        """The stages whose tasks ran on this host."""
        return [entry.partition(":")[2] for entry in self.ran if entry.startswith(f"{host}:")]

    def report_of(self, host: str) -> dict[str, Any]:
        return dict(json.loads((self.folder / f"report-{host}.json").read_text(encoding="utf-8")))

    def outcome(self, host: str) -> str:
        return str(self.report_of(host)["outcome"])


def both(hosts: TwoHosts) -> Tasks:
    return [hosts.changing_of("one", delay=0), hosts.changing_of("two", delay=0)]


@pytest.mark.thorough
@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_each_host_cuts_over_its_own_jobs(place: Place, strategy: str) -> None:
    hosts = TwoHosts(place)
    hosts.keywords["strategy"] = strategy
    hosts.files(freeze=both(hosts))
    hosts.run("-i", "one,two,", succeeds=True)
    assert hosts.of("one") == hosts.of("two") == ["freeze", "switch"]
    assert {hosts.outcome("one"), hosts.outcome("two")} == {"done"}


@pytest.mark.thorough
def test_a_verdict_that_expired_while_another_host_was_waited_for_is_looked_at_again(place: Place) -> None:
    hosts = TwoHosts(place, valid_for=1)
    # The job of one is ready at once, and fails while that of two is still behind.
    fails_later = {"ansible.builtin.shell": f"sleep 3 && {failing(hosts)} && {ending(hosts)}", "async": 30, "poll": 0}
    hosts.files(
        freeze=[hosts.changing_of("one", delay=0), {**fails_later, "when": "inventory_hostname == 'one'"}],
    )
    hosts.run("-i", "one,two,", succeeds=False)
    assert hosts.of("one") == ["freeze", "unfreeze"]
    assert hosts.of("two") == ["freeze", "switch"]
    assert (hosts.outcome("one"), hosts.outcome("two")) == ("unfrozen", "done")


def failing(hosts: TwoHosts) -> str:
    return patch(hosts, "one", status="INCRE_TRANSFER_FAILED")


def ending(hosts: TwoHosts) -> str:
    return patch(hosts, "two", delay=0)


def patch(hosts: TwoHosts, host: str, **changes: Any) -> str:
    url = f"{hosts.place.sim['control']}/jobs/{hosts.job}-{host}"
    return f"curl -sS --fail -X PATCH -H 'Content-Type: application/json' -d '{json.dumps(changes)}' {url}"


@pytest.mark.parametrize("stage", ["freeze", pytest.param("verify", marks=pytest.mark.thorough)])
def test_with_any_errors_fatal_no_host_stays_frozen(place: Place, stage: str) -> None:
    hosts = TwoHosts(place, verify_tasks="tasks/verify.yml")
    hosts.keywords["any_errors_fatal"] = True
    failing_on_one = [{**FAIL, "when": "inventory_hostname == 'one'"}]
    hosts.files(**{"freeze": both(hosts), stage: [*both(hosts), *failing_on_one]})
    hosts.run("-i", "one,two,", succeeds=False)
    assert hosts.of("one")[-1] == "unfreeze"
    # The other goes on or unfreezes; it is never left as it is.
    assert hosts.of("two")[-1] in ("switch", "unfreeze")


@pytest.mark.thorough
@pytest.mark.parametrize(("stage", "outcome"), [("switch", "switch_failed"), ("verify", "unfrozen")])
@pytest.mark.parametrize(
    "keyword",
    [{"any_errors_fatal": True}, {"max_fail_percentage": 0}],
    ids=lambda each: next(iter(each)),
)
def test_a_host_that_another_one_takes_with_it_says_which_one_failed_and_why(
    place: Place, keyword: dict[str, Any], stage: str, outcome: str
) -> None:
    hosts = TwoHosts(place, verify_tasks="tasks/verify.yml")
    hosts.keywords.update(keyword)
    failing_on_one = {**FAIL, "name": "Count the rows", "when": "inventory_hostname == 'one'"}
    hosts.files(**{"freeze": both(hosts), stage: [failing_on_one, {"ansible.builtin.command": "true"}]})
    hosts.run("-i", "one,two,", succeeds=False)
    assert hosts.outcome("one") == outcome
    reason = hosts.report_of("two")["reason"]
    assert "no reason is known" not in reason
    if "any_errors_fatal" in keyword and ENDS_OTHERS:
        why = f"The task 'Count the rows' of {stage}.yml failed: This was meant to fail."
        assert f"Ansible ended this host in the stage {stage} because another one failed. one: {why}" in reason
    else:
        assert hosts.outcome("two") == "done"


@pytest.mark.thorough
def test_run_once_runs_once(place: Place) -> None:
    hosts = TwoHosts(place)
    hosts.options["jobs"] = [hosts.job]
    hosts.files(freeze=[hosts.changing(delay=0)])
    play = hosts.play()
    play["tasks"][0]["run_once"] = True
    hosts.keywords["tasks"] = play["tasks"]
    hosts.run("-i", "one,two,", succeeds=True)
    assert hosts.ran == ["one:freeze", "one:switch"]


@pytest.mark.thorough
def test_a_report_that_two_hosts_would_write_is_refused_before_anything_runs(place: Place) -> None:
    hosts = TwoHosts(place, reports=["report.json"])
    hosts.files(freeze=both(hosts))
    said = hosts.run("-i", "one,two,", succeeds=False)
    assert "drs_cutover_reports: two would write report.json too. Put {{ inventory_hostname }} into the path." in said
    assert hosts.ran == []


@pytest.mark.thorough
def test_what_two_gates_publish_is_ready_only_if_both_are(place: Place) -> None:
    hosts = TwoHosts(place)
    hosts.change_of("one", delay=0)
    hosts.change_of("two", delay=900)
    wait = {"name": "cutover.drs.drs_wait"}
    options = {"drs_wait_jobs": hosts.options["jobs"], "drs_wait_timeout": 0, "drs_wait_reports": ["gate.json"]}
    hosts.keywords["tasks"] = [{"ansible.builtin.include_role": wait, "vars": options}]
    for order in ("one,two,", "two,one,"):
        said = hosts.run("-i", order, succeeds=False)
        verdicts = '"drs_wait_verdicts": { "one": "ready", "two": "timeout" }'
        assert f'"drs_wait_ready": false, "drs_wait_verdict": "timeout", {verdicts}' in said
    # None of the two reports overwrites the other.
    one, two = (json.loads((hosts.folder / f"gate-{host}.json").read_text("utf-8")) for host in ("one", "two"))
    assert (one["verdict"], two["verdict"]) == ("ready", "timeout")


@pytest.mark.thorough
def test_what_two_cutovers_publish_is_the_worst_outcome(place: Place) -> None:
    hosts = TwoHosts(place, final_timeout=5)
    hosts.files(freeze=[hosts.changing_of("one", delay=0)])
    # Whichever host publishes last.
    said = hosts.run("-i", "two,one,", succeeds=False)
    assert (hosts.outcome("one"), hosts.outcome("two")) == ("done", "unfrozen")
    outages = [
        json.loads((hosts.folder / f"report-{host}.json").read_text())["outage_seconds"] for host in ("one", "two")
    ]
    published = f'"drs_cutover_outage_seconds": {max(outages)}, "drs_cutover_outcome": "unfrozen", '
    assert f'{published}"drs_cutover_outcomes": {{ "one": "done", "two": "unfrozen" }}' in said


@pytest.mark.thorough
def test_the_end_of_a_run_with_two_hosts_unfreezes_both(place: Place) -> None:
    hosts = TwoHosts(place, verify_tasks="tasks/verify.yml")
    hosts.files(freeze=both(hosts), verify=[{"ansible.builtin.command": "sleep 60"}])
    with hosts.start("-i", "one,two,") as run:
        eventually(lambda: len([entry for entry in hosts.ran if entry.endswith(":verify")]) == 2)
        run.kill()
        eventually(lambda: len([entry for entry in hosts.ran if entry.endswith(":unfreeze")]) == 2)
    assert hosts.of("one") == hosts.of("two") == ["freeze", "verify", "unfreeze"]


class Waves(TwoHosts):
    """Hosts one and two in a wave, and three in another, with an index over their reports."""

    HOSTS = ("one", "two", "three")

    def __init__(self, place: Place, *, strategy: str = "free", **options: Any) -> None:
        super().__init__(place, **{"index": "index.html", **options})
        self.keywords.update(serial=2, strategy=strategy)
        for host in self.HOSTS:
            self.change_of(host, status="INCRE_TRANSFER_STARTED", delay=3)

    def go(self, *arguments: str, succeeds: bool) -> str:
        return self.run("-i", f"{','.join(self.HOSTS)},", *arguments, succeeds=succeeds)

    @property
    def index(self) -> str:
        return " ".join((self.folder / "index.html").read_text(encoding="utf-8").split())


def each(hosts: Waves, **changes: Any) -> Tasks:
    return [hosts.changing_of(host, **changes) for host in hosts.HOSTS]


@pytest.mark.thorough
def test_with_the_strategy_free_a_database_does_not_wait_for_the_slowest_of_its_wave(place: Place) -> None:
    waves = Waves(place)
    # The job of two catches up only once one has switched.
    fast = [waves.changing_of("one", delay=0), waves.changing_of("three", delay=0)]
    after = {**waves.changing_of("two", delay=0), "when": "inventory_hostname == 'one'"}
    waves.files(freeze=fast, switch=[after])
    said = waves.go(succeeds=True)
    assert [waves.outcome(host) for host in waves.HOSTS] == ["done"] * 3
    # Nothing of the second wave begins before the first one has ended.
    assert [entry.partition(":")[0] == "three" for entry in waves.ran] == [False] * 4 + [True] * 2
    assert "All hosts: 1 not yet, 2 done; longest outage " in said
    assert "All hosts: 3 done; longest outage " in said
    assert "3 of 3 done" in waves.index
    for host in waves.HOSTS:
        assert f'<a href="report-{host}.json">report-{host}</a>' in waves.index
        assert f" START [{host}, final] jobs=1 " in said
        assert f" VERDICT ready [{host}, final] jobs=1 " in said


@pytest.mark.thorough
@pytest.mark.parametrize("strategy", ["free", "linear"])
def test_after_a_wave_in_which_a_host_failed_no_other_wave_begins(place: Place, strategy: str) -> None:
    waves = Waves(place, strategy=strategy)
    waves.files(freeze=[*each(waves, delay=0), {**FAIL, "when": "inventory_hostname == 'two'"}])
    said = waves.go(succeeds=False)
    assert (waves.of("one"), waves.of("two")) == (["freeze", "switch"], ["freeze", "unfreeze"])
    assert not waves.of("three")
    assert "two, a host of an earlier wave, ended as unfrozen, so this wave does not begin." in said
    assert "All hosts: 1 unfrozen, 1 not yet, 1 done; longest outage " in said
    assert "1 of 2 done" in waves.index
    # What is done is left alone, and the others begin.
    waves.files(freeze=each(waves, delay=0))
    again = waves.go(succeeds=True)
    assert waves.of("one").count("switch") == 1
    assert "All hosts: 3 done" in again


@pytest.mark.thorough
def test_with_go_on_after_failure_the_next_wave_begins(place: Place) -> None:
    waves = Waves(place, go_on_after_failure=True)
    waves.files(freeze=[*each(waves, delay=0), {**FAIL, "when": "inventory_hostname == 'two'"}])
    said = waves.go(succeeds=False)
    assert [waves.outcome(host) for host in waves.HOSTS] == ["done", "unfrozen", "done"]
    assert "All hosts: 1 unfrozen, 2 done; longest outage " in said


@pytest.mark.thorough
def test_the_guard_of_a_host_that_was_lost_adds_it_to_the_index(place: Place) -> None:
    waves = Waves(place, verify_tasks="tasks/verify.yml")
    waves.files(freeze=each(waves, delay=0), verify=[{"ansible.builtin.command": "sleep 60"}])
    with waves.start("-i", "one,two,") as run:
        eventually(lambda: len([entry for entry in waves.ran if entry.endswith(":verify")]) == 2)
        run.kill()
        eventually(lambda: (waves.folder / "index.html").exists() and "0 of 2 done" in waves.index)
    assert "2 unfrozen" in waves.index


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("index", "said"),
    [
        ("index.txt", "drs_cutover_index: index.txt must end in .html."),
        ("other/index.html", "writes none there. Add other/{{ inventory_hostname }}.json to drs_cutover_reports."),
    ],
)
def test_an_index_that_would_stay_empty_is_refused(place: Place, index: str, said: str) -> None:
    waves = Waves(place, index=index)
    waves.files()
    assert said in waves.go(succeeds=False)
    assert waves.ran == []
