# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user's tasks say of their databases: plain, bounded, without a secret of the login, and never an error."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.cutover.drs.plugins.plugin_utils._cutover.facts import facts_of

PASSWORD = "correct-horse-battery"


def told(facts: Any, **variables: Any) -> tuple[dict[str, Any], str]:
    """Return what is shown of these facts; a template is rendered as a task's variables are."""
    known = {"drs_cutover_facts": facts, **variables}
    return facts_of(known, Templar(loader=DataLoader(), variables=known), {}, {})


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({"orders": {"rows": 7}}, {"orders": {"rows": 7}}),
        ({"orders": {"at": datetime.date(2026, 11, 24)}}, {"orders": {"at": "2026-11-24"}}),
        ({7: [True, None, 0.5]}, {"7": [True, None, 0.5]}),
        (None, {}),
        ({}, {}),
        ("", {}),
    ],
)
def test_facts_are_shown_as_plain_values(facts: Any, shown: dict[str, Any]) -> None:
    assert told(facts) == (shown, "")


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ("seven rows", "it must be a dictionary."),
        (["seven"], "it must be a dictionary."),
        ({"x": "x" * 70_000}, "it has 70009 characters of JSON, 65536 are allowed."),
    ],
)
def test_facts_that_cannot_be_shown_are_a_warning_and_no_error(facts: Any, why: str) -> None:
    assert told(facts) == ({}, f"drs_cutover_facts is not in the reports: {why}")


@pytest.mark.parametrize("variable", ["drs_cutover_password", "drs_wait_password"])
def test_a_secret_of_the_login_is_in_no_fact(variable: str) -> None:
    facts, problem = told(
        {"orders": {"url": f"mysql://ops:{PASSWORD}@db", PASSWORD: [PASSWORD]}}, **{variable: PASSWORD}
    )
    assert facts["orders"].pop("url").startswith("mysql://ops:****")
    assert (facts, problem) == ({"orders": {"********": ["********"]}}, "")


def test_a_secret_of_module_defaults_and_of_the_environment_is_in_no_fact() -> None:
    variables = {"drs_cutover_facts": {"orders": f"{PASSWORD} {PASSWORD[::-1]}"}}
    templar = Templar(loader=DataLoader(), variables=variables)
    facts, _problem = facts_of(variables, templar, {"secret_key": PASSWORD}, {"OS_PASSWORD": PASSWORD[::-1]})
    assert facts == {"orders": "******** ********"}
