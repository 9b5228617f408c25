# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logins at a real IAM: OpenStack Keystone, whose tokens live five seconds."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError
from ansible_collections.cutover.drs.plugins.module_utils._service.connection import connect
from ansible_collections.cutover.drs.plugins.module_utils._wait.loop import run
from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS
from ansible_collections.cutover.drs.tests.keystone.cloud import DRS, Account, Keystone
from ansible_collections.cutover.drs.tests.peers import played
from ansible_collections.cutover.drs.tests.unit.service.support import DEFAULTS

# A sample takes two logins of half a second each. The intervals are long enough for a busy machine, as the streak does
# not outlive a gap of three of them.
WAITING = {**DEFAULTS, **{option: spec.get("default") for option, spec in WAIT_OPTIONS.items()}}


def options(drs: DRS, **given: Any) -> dict[str, Any]:
    return {**WAITING, "endpoint": drs.endpoint, "jobs": drs.simulator.job_ids, "request_retries": 0, **given}


def clouds_yaml(folder: Path, keystone: Keystone, account: Account, **project: str) -> Path:
    user = {"username": account.username, "password": account.password, "user_domain_name": "Default"}
    cloud = {"auth": {"auth_url": keystone.auth_url, **user, **project}, "region_name": "eu-de"}
    path = folder / "clouds.yaml"
    path.write_text(json.dumps({"clouds": {"mine": cloud}}))
    return path


def wait(
    given: dict[str, Any],
    meanwhile: Callable[[], None] = lambda: None,
    when: Callable[[str], bool] = lambda line: False,
) -> tuple[dict[str, Any], list[str]]:
    """A wait in real time; `meanwhile` happens in a thread of its own at the first line of which `when` is true."""
    lines: list[str] = []
    others: list[threading.Thread] = []

    def say(line: str) -> None:
        lines.append(line)
        if not others and when(line):
            others.append(threading.Thread(target=meanwhile))
            others[0].start()

    result = run(given, {}, one_sample=False, say=say)
    for other in others:
        other.join()
    return result, lines


def alive(line: str) -> bool:
    return " CHANGE " in line


@pytest.mark.parametrize("by", ["project_id", "project_name"])
def test_a_login_by_password(short: Keystone, account: Account, drs: DRS, by: str) -> None:
    with connect(options(drs, **account.options(short.auth_url), **{by: getattr(account, by)}), {}) as client:
        statuses, progress = client.both(drs.simulator.job_ids)
    assert [statuses[0].found, progress[0].found] == [True, True]


def test_the_region_names_the_project_where_nothing_else_does(long: Keystone, account: Account, drs: DRS) -> None:
    named_as_region = long.new_account(f"{account.username}-2", f"region-{account.user_id[:8]}")
    given = options(drs, **named_as_region.options(long.auth_url), region=named_as_region.project_name)
    with connect(given, {}) as client, pytest.raises(DrsError, match="Invalid project ID"):
        # This service is for another project; what was asked for is that of the region's name.
        client.statuses(drs.simulator.job_ids)
    assert named_as_region.project_id in drs.simulator.requests[0]["path"]
    assert drs.refused == 0


@pytest.mark.parametrize("by", ["project_id", "project_name"])
def test_a_login_by_clouds_yaml(
    short: Keystone, account: Account, drs: DRS, by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = {by: getattr(account, by), **({"project_domain_name": "Default"} if by == "project_name" else {})}
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds_yaml(tmp_path, short, account, **project)))
    with connect(options(drs, cloud="mine"), {}) as client:
        assert client.statuses(drs.simulator.job_ids)[0].found
        assert client.logins >= len(drs.tokens) >= 1


@pytest.mark.parametrize(
    ("wrong", "kind", "sentence"),
    [
        ({"password": "another-password"}, "authentication", "The login at .* was refused: .*Check the user"),
        ({"username": "nobody"}, "authentication", "The login at .* was refused: .*Check the user"),
        ({"user_domain_name": "elsewhere"}, "authentication", "The login at .* was refused: .*Check the user"),
        ({"project_name": "no-such-project"}, "authentication", "The login at .* was refused: .*the project"),
        # Not final: something in between may answer so once, and the next login may succeed.
        ({"auth_url": "{auth_url}/nowhere"}, "protocol", "returned no token: HTTP 404 .* and auth_url"),
    ],
)
def test_a_login_that_keystone_refuses(
    short: Keystone, account: Account, drs: DRS, wrong: dict[str, str], kind: str, sentence: str
) -> None:
    wrong = {name: value.format(auth_url=short.auth_url) for name, value in wrong.items()}
    given = options(drs, **{**account.options(short.auth_url), "project_name": account.project_name, **wrong})
    with pytest.raises(DrsError, match=sentence) as caught:
        connect(given, {}).close()
    assert caught.value.kind.value == kind
    assert account.password not in str(caught.value)


def test_a_wait_outlives_many_tokens(short: Keystone, account: Account, drs: DRS) -> None:
    rules = {"stable_for": 12, "interval": 4, "near_interval": 4, "timeout": 120}
    login = {**account.options(short.auth_url), "project_name": account.project_name}
    result, lines = wait(options(drs, **login, **rules))
    assert result["verdict"] == "ready", lines
    assert result["errors"] == 0
    assert result["elapsed"] > 12
    assert len(drs.tokens) >= 3
    assert result["logins"] >= len(drs.tokens)
    assert not any("RESET" in line for line in lines)


def test_a_token_that_is_withdrawn_is_replaced_in_the_same_poll(long: Keystone, account: Account, drs: DRS) -> None:
    rules = {"stable_for": 6, "interval": 3, "near_interval": 3, "timeout": 120}
    login = {**account.options(long.auth_url), "project_id": account.project_id}
    result, lines = wait(options(drs, **login, **rules), lambda: long.withdraw(drs.tokens[0]), alive)
    assert result["verdict"] == "ready", lines
    # One login at the beginning, one after the withdrawal, which both requests of a poll may have met.
    assert result["logins"] == len(drs.tokens) == 2
    assert drs.refused in (1, 2)
    assert result["errors"] == 0
    assert not any("RESET" in line for line in lines)


@pytest.mark.parametrize("tokens", ["short", "long"])
def test_a_password_that_changes_in_mid_wait_ends_it_with_a_clear_verdict(
    request: pytest.FixtureRequest, long: Keystone, account: Account, drs: DRS, tokens: str
) -> None:
    keystone: Keystone = request.getfixturevalue(tokens)
    rules = {"stable_for": 300, "interval": 0.5, "near_interval": 0.5, "timeout": 300}
    login = {**account.options(keystone.auth_url), "project_id": account.project_id}
    result, lines = wait(options(drs, **login, **rules), lambda: long.change_password(account), alive)
    assert (result["verdict"], result["ready"]) == ("error", False)
    assert result["failure"]["kind"] == "authentication"
    assert " was refused: " in result["reason"]
    assert "Check the user, the password, the domain and the project." in result["reason"]
    # At once: no more polls that cannot succeed, and no second try of a password that is wrong.
    assert result["errors"] == 1
    assert result["elapsed"] < 30
    assert any(" authentication 401 errors=1/" in line for line in lines)
    assert account.password not in json.dumps([result, lines])


def test_keystone_that_stops_and_starts_again_in_mid_wait_is_survived(
    short: Keystone, account: Account, drs: DRS
) -> None:
    def restart() -> None:
        short.stop()
        stopped.set()
        short.start()

    stopped = threading.Event()
    rules = {"stable_for": 4, "interval": 3, "near_interval": 2, "timeout": 180, "max_errors": 100}
    login = {**account.options(short.auth_url), "project_name": account.project_name}
    result, lines = wait(options(drs, **login, **rules), restart, alive)
    assert stopped.is_set()
    assert result["verdict"] == "ready", lines
    assert result["errors"] >= 1
    broken = [index for index, line in enumerate(lines) if " RESET streak " in line]
    assert broken, lines
    assert "->0 network" in lines[broken[0]]
    assert "VERDICT ready" in lines[-1]


def test_keystone_that_stays_away_ends_the_wait(short: Keystone, account: Account, drs: DRS) -> None:
    rules = {"stable_for": 300, "interval": 0.3, "near_interval": 0.3, "timeout": 300, "max_errors": 2}
    login = {**account.options(short.auth_url), "project_name": account.project_name}
    try:
        result, _lines = wait(options(drs, **login, **rules), short.stop, alive)
    finally:
        short.stop()
        short.start()
    assert result["verdict"] == "error"
    assert result["errors"] == 3
    assert "3 consecutive failed polls, allowed 2. Last failure:" in result["reason"]
    assert result["failure"]["kind"] == "network"


def test_a_playbook_waits_with_a_login_by_clouds_yaml(
    long: Keystone, account: Account, drs: DRS, tmp_path: Path
) -> None:
    clouds = clouds_yaml(tmp_path, long, account, project_name=account.project_name, project_domain_name="Default")
    rules = {"stable_for": 6, "interval": 3, "near_interval": 3, "timeout": 120}
    connection = {"endpoint": drs.endpoint, "cloud": "mine", "jobs": drs.simulator.job_ids}
    tasks = {
        "read": {"cutover.drs.drs_job_status": connection},
        "gate": {"cutover.drs.drs_job_wait": {**connection, **rules}},
    }
    (read, gate), said = played(tmp_path, tasks, "-vvv", OS_CLIENT_CONFIG_FILE=str(clouds))
    assert read["jobs"][0]["found"]
    assert gate["verdict"] == "ready"
    assert gate["logins"] == 1
    assert "VERDICT ready" in said
    assert not any(secret in said for secret in (account.password, *drs.tokens))
