# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a role is given as variables: lists as texts, as AWX surveys and --extra-vars have them, and wrong values."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.cutover.drs.plugins.action import drs_job_wait
from ansible_collections.cutover.drs.plugins.module_utils._arguments import checked
from ansible_collections.cutover.drs.plugins.module_utils._job.errors import DrsError, Kind
from ansible_collections.cutover.drs.plugins.plugin_utils._cutover.options import OPTIONS, journal_of
from ansible_collections.cutover.drs.plugins.plugin_utils._role_variables import as_list


@pytest.mark.parametrize(
    ("value", "entries"),
    [
        ("a", ["a"]),
        (" a, b ,,c", ["a", "b", "c"]),
        ('["a", "b, c"]', ["a", "b, c"]),
        (" []", []),
        # Not JSON after all: what checks the entries says what is wrong with them.
        ("[a, b", ["[a", "b"]),
        ("", []),
        (["a", "b"], ["a", "b"]),
        (None, None),
        (7, 7),
    ],
)
def test_a_text_is_the_list_that_it_stands_for(value: Any, entries: Any) -> None:
    assert as_list(value) == entries


def variable(name: str) -> str:
    return f"drs_cutover_{name}"


def test_what_is_given_comes_in_its_type_and_the_rest_by_default() -> None:
    given = {"title": 5, "final_timeout": "90", "stats": "no", "compare": ["rows"], "keep": {"a": 1}, "jobs": [7]}
    values = checked(OPTIONS, given, variable)
    assert {name: values[name] for name in given} == {
        "title": "5",
        "final_timeout": 90.0,
        "stats": False,
        "compare": ["rows"],
        "keep": {"a": 1},
        "jobs": ["7"],
    }
    assert values.keys() == OPTIONS.keys()
    assert (values["max_outage"], values["journal"]) == (3600, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_delay": "few"}, "drs_cutover_max_delay must be a whole number, not 'few'."),
        ({"lease": [1]}, "drs_cutover_lease must be a number, not [1]."),
        ({"lease": 10**400}, "drs_cutover_lease must be a number, not 1000000"),
        ({"stats": "perhaps"}, "drs_cutover_stats must be true or false, not 'perhaps'."),
        ({"keep": 3}, "drs_cutover_keep must be a dictionary, not 3."),
        ({"unfreeze_vars": 12345}, "drs_cutover_unfreeze_vars must be a dictionary, not int."),
        ({"reports": {"a": 1}}, "drs_cutover_reports must be a list, not {'a': 1}."),
        ({"hold_file": ["/tmp/hold"]}, "drs_cutover_hold_file must be a path, not ['/tmp/hold']."),
        ({"title": {"a": 1}}, "drs_cutover_title must be a string, not {'a': 1}."),
        ({"stop_jobs": "later"}, "drs_cutover_stop_jobs must be one of never, before_switch, after_switch, "),
        ({"compare": ["rows", "sums"]}, "drs_cutover_compare must be one of objects, rows, values, not sums."),
        (
            {"lease": "x", "stats": "z"},
            "drs_cutover_lease must be a number, not 'x'. drs_cutover_stats must be true or false, not 'z'.",
        ),
    ],
)
def test_each_wrong_value_is_told_in_a_sentence_with_its_variable_and_no_secret(
    given: dict[str, Any], said: str
) -> None:
    with pytest.raises(DrsError) as caught:
        checked(OPTIONS, given, variable)
    assert str(caught.value).startswith(said)
    assert caught.value.kind is Kind.CONFIGURATION


def waited(monkeypatch: pytest.MonkeyPatch, variables: dict[str, Any], keyword: int = 0, **args: Any) -> dict[str, Any]:
    """What the action drs_job_wait hands to the wait for these arguments, under the keyword ``timeout``."""
    handed: dict[str, Any] = {}

    def run(options: Any, _environ: Any, **more: Any) -> dict[str, Any]:
        handed.update(more, options=options)
        return {}

    monkeypatch.setattr(drs_job_wait, "run", run)
    task = SimpleNamespace(
        args=args, timeout=keyword, async_val=0, check_mode=False, diff=False, no_log=False, environment=[]
    )
    shell = SimpleNamespace(tmpdir=None)
    action = drs_job_wait.ActionModule(
        task,
        SimpleNamespace(_shell=shell),
        SimpleNamespace(),
        SimpleNamespace(get_basedir=str),
        SimpleNamespace(template=lambda value: value),
        None,
    )
    handed["result"] = action.run(task_vars=variables)
    return handed


@pytest.mark.parametrize("prefixes", ["first_, second_", ["first_", "second_"]])
def test_prefixes_may_be_a_text_as_any_list_may(monkeypatch: pytest.MonkeyPatch, prefixes: Any) -> None:
    variables = {"first_require_quiet": True, "second_require_quiet": False, "second_timeout": 90}
    options = waited(monkeypatch, variables, role_prefixes=prefixes, jobs=["a"])["options"]
    assert (options["require_quiet"], options["timeout"], options["jobs"]) == (True, 90, ["a"])


@pytest.mark.parametrize(
    ("keyword", "timeout", "limit"),
    [(0, 600, None), (60, 600, 58), (60, 58, None), (60, 59, 58), (1, 600, 0.5), (1, 0.1, None), (1, 0, None)],
)
def test_the_keyword_timeout_only_ever_shortens_a_wait(
    monkeypatch: pytest.MonkeyPatch, keyword: int, timeout: float, limit: float | None
) -> None:
    # One sample (0) stays one: of a wait with any other limit a streak is asked.
    handed = waited(monkeypatch, {}, keyword, jobs=["a"], timeout=timeout)
    assert handed["limit"] == limit
    assert bool(handed["result"].get("warnings")) == (limit is not None)


class Templar:
    """Evaluates what is no template, and one that needs what a task that failed did not register."""

    def template(self, value: Any) -> Any:
        if "{{" in str(value):
            raise AnsibleError("'found' is undefined")
        return value


@pytest.mark.parametrize(
    ("variables", "environment", "path"),
    [
        ({"drs_cutover_journal": "j.json"}, "e.json", "/play/j.json"),
        ({"drs_cutover_journal": ""}, "/e.json", "/e.json"),
        ({"drs_cutover_journal": "postgresql+psycopg://ann:secret@db/j"}, "", "postgresql+psycopg://ann:secret@db/j"),
        ({}, "", "/play/.drs_cutover.ca978112ca1b.json"),
    ],
)
def test_a_journal_is_found_whatever_became_of_other_options(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, Any], environment: str, path: str
) -> None:
    """By the end of a run whose guard is gone: what the journal says is what became of the source."""
    monkeypatch.setenv("DRS_CUTOVER_JOURNAL", environment)
    others = {"drs_cutover_keep": {"mode": "{{ found.mode }}"}, "drs_cutover_lease": "{{ found.lease }}"}
    assert journal_of({**variables, **others}, Templar(), Path("/play"), ["a"]) == path
