# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles have every option of drs_job_wait, and say of it what the module says."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS
from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS
from ansible_collections.cutover.drs.plugins.plugin_utils import _wait_step
from ansible_collections.cutover.drs.plugins.plugin_utils._cutover import options
from ansible_collections.cutover.drs.plugins.plugin_utils._cutover.end import CutoverEnd
from ansible_collections.cutover.drs.tests.generated import role_options, write

ROOT = Path(__file__).resolve().parents[3]


@cache
def options_of(role: str, entry: str = "main") -> dict[str, Any]:
    specs = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8"))
    return dict(specs["argument_specs"][entry]["options"])


def test_what_is_derived_from_documentation_is_up_to_date() -> None:
    assert not [str(path) for path in write.stale()], "nox -s generate brings them up to date"


@pytest.mark.parametrize(
    ("role", "not_of_it"),
    [("drs_wait", {"role_prefixes", "series"}), ("drs_cutover", {"role_prefixes", "series", "replay"})],
)
def test_a_role_has_every_option_of_drs_job_wait(role: str, not_of_it: set[str]) -> None:
    missing = {name for name in role_options.options() if f"{role}_{name}" not in options_of(role)}
    assert missing == not_of_it


@pytest.mark.parametrize(
    ("role", "spec", "not_read_here"),
    [
        ("drs_wait", {**CONNECTION_OPTIONS, **WAIT_OPTIONS, **_wait_step.OPTIONS}, {"role_prefixes", "series"}),
        ("drs_cutover", options.OPTIONS, set()),
    ],
)
def test_a_role_documents_the_options_that_it_reads_with_their_types_and_defaults(
    role: str, spec: dict[str, dict[str, Any]], not_read_here: set[str]
) -> None:
    documented = {name.removeprefix(f"{role}_"): option for name, option in options_of(role).items()}
    assert documented.keys() == spec.keys() - not_read_here
    for name, option in documented.items():
        known = spec[name].get("type", "str")
        assert option.get("type", "str") == (known if known in ("str", "path", "dict") else "raw"), name
        assert option.get("default") == spec[name].get("default"), name


def test_what_a_cutover_publishes_is_no_unknown_option_of_the_next_one() -> None:
    # AWX hands it on to the next nodes of a workflow as variables, recover among them.
    step = CutoverEnd.__new__(CutoverEnd)
    step._host, step._vars = "db1", {}
    published = step._statistics({"outcome": "unfrozen", "outage_seconds": 1.0})
    assert set(published) == {"drs_cutover_outcome", "drs_cutover_outcomes", "drs_cutover_outage_seconds"}
    options._refuse_unknown({**published, "drs_cutover_result": {}, "drs_cutover_status": {}, "drs_cutover_facts": {}})


def described(name: str) -> str:
    return " ".join(" ".join(options_of("drs_cutover")[f"drs_cutover_{name}"]["description"]).split())


def test_a_cutover_that_has_neither_replay_nor_first_poll_documents_none() -> None:
    # What is recorded can be replayed, but by the module.
    names = [name.removeprefix("drs_cutover_") for name in options_of("drs_cutover")]
    odd = {
        name for name in names if any(word in described(name) for word in ("replay", "first poll", "role drs_cutover"))
    }
    assert odd == {"record"}


@pytest.mark.parametrize("name", ["interval", "near_interval", "stable_samples"])
def test_what_is_no_pace_of_the_final_gate_says_which_option_is(name: str) -> None:
    assert "O(drs_cutover_final_interval)" in described(name)


@pytest.mark.parametrize("role", ["drs_wait", "drs_cutover"])
def test_what_is_secret_is_secret_in_the_role_too(role: str) -> None:
    """And nothing else: ansible-core 2.22 hides each value in an option that is, such as a port or a path, wherever it stands."""
    secret = {name.removeprefix(f"{role}_") for name, option in options_of(role).items() if option.get("no_log")}
    assert secret == {"auth_token", "password", "access_key", "secret_key", "security_token", "proxy"}


@pytest.mark.parametrize("entry", ["watch", "recover"])
def test_watch_and_recover_document_only_options_of_the_role_with_their_types_and_defaults(entry: str) -> None:
    main = options_of("drs_cutover")
    for name, option in options_of("drs_cutover", entry).items():
        shared = {key: main[name].get(key) for key in ("type", "default", "no_log")}
        assert {key: option.get(key) for key in shared} == shared, name
