# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source's documentation, its JSON schema, its examples and the argument spec say the same."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from textwrap import indent
from typing import Any

import jsonschema
import pytest
import yaml

from ansible_collections.cutover.drs.extensions.eda.plugin_utils._arguments import ARGUMENTS, Arguments
from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS
from ansible_collections.cutover.drs.tests.eda.support import Watched, broken, reading
from ansible_collections.cutover.drs.tests.generated import role_options, schema

CHECKOUT = Path(__file__).parents[2]
EDA = CHECKOUT / "extensions/eda"
MODULE = runpy.run_path(str(EDA / "plugins/event_source/drs_jobs.py"))
OPTIONS = role_options.documentation(schema.SOURCE)["options"]
SCHEMA = json.loads((EDA / "plugins/event_source/schemas/drs_jobs.json").read_text(encoding="utf-8"))
GUIDE = (CHECKOUT / "docs/docsite/rst/guide_eda.rst").read_text(encoding="utf-8")
RULEBOOKS = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in (EDA / "rulebooks").glob("*.yml")]


def test_the_documentation_has_the_arguments_with_their_types_and_defaults() -> None:
    kept = ("type", "elements", "choices", "default", "required", "aliases")
    documented = {name: {key: option[key] for key in kept if key in option} for name, option in OPTIONS.items()}
    taken = {name: {key: spec[key] for key in kept if key in spec} for name, spec in ARGUMENTS.items()}
    assert documented == taken


def test_the_schema_is_generated_from_the_documentation() -> None:
    assert schema.schema() == schema.SCHEMA.read_text(encoding="utf-8"), "nox -s generate brings it up to date"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_example_follows_the_schema_and_is_taken() -> None:
    for ruleset in yaml.safe_load(MODULE["EXAMPLES"]):
        for source in ruleset["sources"]:
            args = source["cutover.drs.drs_jobs"]
            jsonschema.validate(args, SCHEMA)
            assert Arguments.of(args).asked.ids


@pytest.mark.parametrize("name", ["jobs", *ARGUMENTS["jobs"]["aliases"], "job_names"])
def test_the_schema_takes_every_way_to_name_the_jobs(name: str) -> None:
    args = {"region": "eu-de", "auth_token": "t", "project_id": "p", name: ["orders"]}
    jsonschema.validate(args, SCHEMA)
    asked = Arguments.of(args).asked
    assert [*asked.ids, *asked.names] == ["orders"]


@pytest.mark.parametrize(
    "args",
    [
        {},
        {"jobs": ["a"], "job_ids": ["a"]},
        {"jobs": ["a"], "job_names": ["orders"]},
        {"jobs": "a"},
        {"jobs": ["a"], "timeout": 1},
    ],
)
def test_the_schema_refuses_what_the_source_does_not_take(args: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(args, SCHEMA)


@pytest.mark.parametrize("rulebook", RULEBOOKS)
def test_the_example_rulebooks_give_arguments_there_are(rulebook: list[dict[str, Any]]) -> None:
    for source in rulebook[0]["sources"]:
        assert set(source["cutover.drs.drs_jobs"]) <= set(ARGUMENTS)


def test_the_extension_is_announced() -> None:
    announced = yaml.safe_load((CHECKOUT / "meta/extensions.yml").read_text(encoding="utf-8"))
    folders = [extension["args"]["ext_dir"] for extension in announced["extensions"]]
    assert folders == ["eda/plugins/event_source"]
    assert all(list((CHECKOUT / "extensions" / folder).glob("*.py")) for folder in folders)


@pytest.mark.parametrize("path", sorted((EDA / "rulebooks").glob("*.yml")), ids=lambda path: path.name)
def test_the_guide_shows_the_rulebooks_as_they_are(path: Path) -> None:
    shown = path.read_text(encoding="utf-8").partition("\n- name:")[2]
    assert indent(f"- name:{shown}", "   ") in GUIDE


@pytest.mark.parametrize(
    "kind", ["status", "progress", "delay", "verdict", "heartbeat", "fault", "recovered", "warning"]
)
def test_the_guide_names_the_keys_of_every_event(kind: str) -> None:
    watched = Watched([reading()], [reading()], broken(), [reading()], heartbeat=10, warned={1: ["W."]})
    keys = list(watched.of_type(kind)[0])[2:]
    assert f"``{' '.join(keys)}``" in GUIDE


def test_the_guide_names_the_keys_of_a_job_in_a_verdict() -> None:
    (job,) = Watched([reading()], [reading()]).of_type("verdict", "jobs")[0]
    assert f"``{' '.join(job)}``" in GUIDE


def test_the_guide_names_every_option_of_the_source() -> None:
    assert [name for name in ARGUMENTS.keys() - CONNECTION_OPTIONS.keys() if f"``{name}``" not in GUIDE] == []
