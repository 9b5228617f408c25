# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options as code, as documentation, and as defaults of the rules: the same everywhere."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.plugins.action import drs_confirm, drs_report
from ansible_collections.cutover.drs.plugins.doc_fragments import connection
from ansible_collections.cutover.drs.plugins.module_utils._gate.rules import Goal, Rules
from ansible_collections.cutover.drs.plugins.module_utils._service.options import (
    COMPARE_OPTIONS,
    CONNECTION_OPTIONS,
    ENVIRONMENT,
    INFO_OPTIONS,
    JOBS_OR_NAMES,
    from_environment,
)
from ansible_collections.cutover.drs.plugins.module_utils._stop.options import STOP_OPTIONS
from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS, rules_of
from ansible_collections.cutover.drs.plugins.modules import (
    drs_job_compare_info,
    drs_job_info,
    drs_job_progress,
    drs_job_status,
    drs_job_stop,
    drs_job_wait,
)
from ansible_collections.cutover.drs.tests.generated import role_options

CHECKOUT = Path(__file__).resolve().parents[3]
FRAGMENT: dict[str, Any] = yaml.safe_load(connection.ModuleDocFragment.DOCUMENTATION)
Options = dict[str, dict[str, Any]]


def documented(options: Options) -> Options:
    """The options of a documentation as an argument spec."""
    return {
        name: {key: value for key, value in option.items() if key not in ("description", "version_added")}
        for name, option in options.items()
    }


def spec(options: Options) -> Options:
    """An argument spec as a documentation can tell it."""
    return {
        name: {key: value for key, value in option.items() if key != "no_log" and (key, value) != ("required", False)}
        for name, option in options.items()
    }


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (drs_job_status, JOBS_OR_NAMES),
        (drs_job_progress, JOBS_OR_NAMES),
        (drs_job_info, INFO_OPTIONS),
        (drs_job_compare_info, COMPARE_OPTIONS),
        (drs_job_wait, WAIT_OPTIONS),
        (drs_job_stop, STOP_OPTIONS),
    ],
    ids=["drs_job_status", "drs_job_progress", "drs_job_info", "drs_job_compare_info", "drs_job_wait", "drs_job_stop"],
)
def test_the_options_of_a_plugin_are_documented_as_they_are(module: ModuleType, options: Options) -> None:
    documentation = role_options.documentation(Path(str(module.__file__)))
    assert documented(documentation["options"]) == spec({**CONNECTION_OPTIONS, **options})
    assert "cutover.drs.connection" in documentation["extends_documentation_fragment"]
    assert "Data Replication Service" in documentation["short_description"]


@pytest.mark.parametrize("action", [drs_confirm, drs_report], ids=["drs_confirm", "drs_report"])
def test_the_options_of_an_action_without_a_connection_are_documented_as_they_are(action: ModuleType) -> None:
    documentation = role_options.documentation(CHECKOUT / "plugins" / "modules" / Path(str(action.__file__)).name)
    assert documented(documentation["options"]) == spec(action.OPTIONS)


def test_the_connection_options_are_documented_as_they_are() -> None:
    assert documented(FRAGMENT["options"]) == spec(CONNECTION_OPTIONS)


def test_no_option_of_the_wait_has_the_name_of_a_connection_option() -> None:
    assert not set(WAIT_OPTIONS) & set(CONNECTION_OPTIONS)


@pytest.mark.parametrize("option", sorted(CONNECTION_OPTIONS))
def test_the_environment_names_of_an_option_are_documented_in_their_order(option: str) -> None:
    description = FRAGMENT["options"][option]["description"]
    text = description if isinstance(description, str) else " ".join(description)
    taken = [sentence for sentence in re.split(r"\. ?", text) if "Also taken from" in sentence]
    assert tuple(re.findall(r"E\((\w+)\)", " ".join(taken))) == ENVIRONMENT.get(option, ())


def test_what_is_secret_is_marked_so() -> None:
    marked = {name for name, option in CONNECTION_OPTIONS.items() if option.get("no_log")}
    assert marked == {"auth_token", "password", "access_key", "secret_key", "security_token", "proxy"}


def test_the_first_environment_name_that_is_set_and_not_empty_counts() -> None:
    both = {"OS_REGION_NAME": "eu-de", "HW_REGION_NAME": "eu-nl"}
    assert from_environment("region", both) == "eu-de"
    assert from_environment("region", {**both, "OS_REGION_NAME": ""}) == "eu-nl"
    assert from_environment("region", {}) is None
    assert from_environment("endpoint", both) is None


def test_the_action_group_is_all_plugins_with_connection_options() -> None:
    runtime = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    modules = {path.stem: path.read_text(encoding="utf-8") for path in (CHECKOUT / "plugins" / "modules").glob("*.py")}
    connecting = [name for name, text in modules.items() if "  - cutover.drs.connection\n" in text]
    assert sorted(runtime["action_groups"]["drs"]) == sorted(connecting)
    assert len(connecting) >= 3


def test_chosen_options_become_rules() -> None:
    chosen = {name: option.get("default") for name, option in WAIT_OPTIONS.items()}
    rules = rules_of({**chosen, "goal": "stopped", "timeout": 7200.0, "fail_fast": False})
    assert rules == Rules(goal=Goal.STOPPED, timeout=7200, fail_fast=False)
