# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every playbook and every task in the documentation runs as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import yaml
from ansible.constants import INTERNAL_STATIC_VARS

from ansible_collections.cutover.drs.tests.docs.blocks import (
    CHECKOUT,
    EXAMPLES,
    IN_ORDER,
    Block,
    blocks,
    documents,
    without_header,
)
from ansible_collections.cutover.drs.tests.docs.conftest import JOBS, LOGIN, World

# Files that a page shows without their being for Ansible, by the beginning of their names.
FOR_OTHERS = (
    ".github/",
    ".gitlab-ci.yml",
    "awx-workflow.yml",
    "clouds.yaml",
    "drs-alerts.yml",
    "execution-environment.yml",
    "kubernetes/",
    "requirements.yml",
    "secrets.yml",
    "secure.yaml",
    "vars.yml",
)
# Playbooks that cannot run here, by their names.
EXEMPT = {
    "make-workflow.yml": "needs the collection awx.awx and a running AWX",
    "make-cutover.yml": "needs the collection awx.awx and a running AWX",
    "watch.yml": "waits for a cutover; tests/playbooks runs a watch beside one",
    "recover-all.yml": "is among the commands of its page, which test_commands runs",
    "recover.yml": "needs the journal in a database; the runbook recovers from a file",
}
# No test may write outside of its folder.
ELSEWHERE = {"/var/lib/node_exporter/textfile/": "textfile/"}
# These pages name a login in each example; the others say that they take it from the environment.
NAME_THEIR_LOGIN = ("README.md", "guide_authentication.rst")
RECORDING = "evidence/orders.jsonl"
# Keywords and modules whose argument is a dictionary of variables.
SETS_VARIABLES = ("vars", "set_fact", "ansible.builtin.set_fact")
# The hosts of a page that has several.
INVENTORY = "inventory.yml"


def yaml_blocks(path: Path) -> list[Block]:
    """Return the YAML of a document."""
    return [block for block in blocks(path) if block.language in ("yaml", "yaml+jinja")]


WITH_YAML = [path for path in documents() if path not in IN_ORDER and yaml_blocks(path)]


def played(block: Block, number: int, folder: Path) -> str | None:
    """Write a block where the reader would; the name of the playbook to run, if it is one."""
    if block.file:
        (folder / block.file).parent.mkdir(parents=True, exist_ok=True)
        (folder / block.file).write_text(block.text, encoding="utf-8")
        return block.file if block.file not in EXEMPT and block.is_playbook else None
    assert isinstance(block.content, list), f"{block.where}: neither plays nor tasks; name the file in the first line"
    text = block.text
    for there, here in ELSEWHERE.items():
        text = text.replace(there, here)
    if not block.is_playbook:
        text = f"- hosts: localhost\n  gather_facts: false\n  tasks:\n{indent(text, '    ')}"
    (folder / f"block-{number}.yml").write_text(text, encoding="utf-8")
    return f"block-{number}.yml"


@pytest.mark.parametrize("path", WITH_YAML, ids=lambda path: path.name)
def test_a_page_runs_as_written(path: Path, world: World, reader: Path) -> None:
    """All of a page's YAML, from the top to the end, in one run."""
    found = yaml_blocks(path)
    if path.suffix == ".py":
        for block in yaml_blocks(CHECKOUT / "docs" / "docsite" / "rst" / "guide_authentication.rst"):
            if block.file in ("clouds.yaml", "secure.yaml"):
                played(block, 0, reader)
    if any(RECORDING in block.text for block in found):
        record(world, reader)
    playbooks = [played(block, number, reader) for number, block in enumerate(found)]
    whole = [{"import_playbook": name} for name in playbooks if name]
    if whole:
        (reader / "whole-page.yml").write_text(yaml.safe_dump(whole), encoding="utf-8")
        inventory = ["-i", INVENTORY] if (reader / INVENTORY).exists() else []
        world.play("whole-page.yml", reader, *inventory, **({} if names_its_login(path) else LOGIN))


def test_the_notification_states_verdict_and_reason(world: World, reader: Path) -> None:
    """The webhook gets one sentence that says it all."""
    world.webhook.messages.clear()
    world.play(str(EXAMPLES / "notify.yml"), reader, **LOGIN)
    (message,) = world.webhook.messages
    assert set(message) == {"text"}
    assert message["text"].startswith("orders: ready. ")


def names_its_login(path: Path) -> bool:
    """Return whether the examples of a page say how they log in."""
    return path.name in NAME_THEIR_LOGIN or path.suffix == ".py"


def record(world: World, folder: Path) -> None:
    """The recording that a reader made earlier, in which the delay falls from 12 s to 0."""
    life = {"life": "incremental", "delay_from": 12, "drain_seconds": 240, "mode": "FULL_INCR_TRANS"}
    world.simulator.set_job(JOBS[0], **life)
    wait = f"cutover.drs.drs_job_wait: {{region: eu-de, jobs: {JOBS[:1]}, record: {RECORDING}}}"
    login = "{username: migration, password: change-me, user_domain_name: OTC-EU-DE-00000000001000000000}"
    (folder / "evidence").mkdir()
    (folder / "record.yml").write_text(
        f"- hosts: localhost\n  gather_facts: false\n  module_defaults: {{group/cutover.drs.drs: {login}}}\n"
        f"  tasks:\n    - {wait}\n",
        encoding="utf-8",
    )
    world.play("record.yml", folder)


# Complete projects are linked, not shown; tests/databases runs them.
SHOWN = [path for path in sorted(EXAMPLES.rglob("*.yml")) if not path.is_relative_to(EXAMPLES / "cutover-mysql")]
SHOWN = [path for path in SHOWN if not path.is_relative_to(EXAMPLES / "cutover-postgresql")]


@pytest.mark.parametrize("path", SHOWN, ids=lambda path: str(path.relative_to(EXAMPLES)))
def test_an_example_file_is_shown_as_it_is(path: Path) -> None:
    """A file in docs/examples and the block that a page shows of it are the same."""
    text = without_header(path.read_text(encoding="utf-8"))
    shown = [block.text for document in documents() for block in yaml_blocks(document)]
    assert text in shown, f"no page shows {path.name} as it is"


def test_what_is_not_for_ansible_is_valid_yaml() -> None:
    """The files of others are read at least; their programs are not here to run them."""
    for path in WITH_YAML:
        for block in yaml_blocks(path):
            if block.file and block.file.startswith(FOR_OTHERS):
                assert isinstance(block.content, dict), block.where


def variables_in(content: Any) -> Iterator[str]:
    """Return the names of all variables that plays, blocks and tasks set."""
    for each in content if isinstance(content, list) else [content]:
        if isinstance(each, dict):
            yield from (name for key in SETS_VARIABLES for name in (each.get(key) or {}))
            yield from (name for value in each.values() if isinstance(value, list) for name in variables_in(value))


@pytest.mark.parametrize("path", WITH_YAML, ids=lambda path: path.name)
def test_no_variable_of_a_page_is_one_that_ansible_sets_itself(path: Path) -> None:
    """It would have another value, and Ansible says nothing: a loop over ``groups`` is one over those of the inventory."""
    taken = [name for block in yaml_blocks(path) for name in variables_in(block.content)]
    assert set(taken) & INTERNAL_STATIC_VARS == set()


def test_every_page_is_looked_at() -> None:
    """The list of documents is not empty by mistake."""
    names = {str(path.relative_to(CHECKOUT)) for path in WITH_YAML}
    assert {"README.md", "plugins/modules/drs_job_wait.py"} <= names
    assert sum(name.startswith("docs/docsite/rst/") for name in names) >= 5


# The complete projects in docs/examples: what they have in common with each other and with the guides is the same.
ENGINES = ("mysql", "postgresql")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_proof_that_nobody_writes_is_that_of_the_guide(engine: str) -> None:
    name = f"quiet_{engine}.yml"
    own = EXAMPLES / f"cutover-{engine}" / "tasks" / name
    assert own.read_text(encoding="utf-8") == (EXAMPLES / "tasks" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["cutover.yml", "inventory.yml", "ansible.cfg", "tasks/application.yml"])
def test_what_no_engine_changes_is_the_same_in_both(name: str) -> None:
    texts = {(EXAMPLES / f"cutover-{engine}" / name).read_text(encoding="utf-8") for engine in ENGINES}
    assert len(texts) == 1


@pytest.mark.parametrize("engine", ENGINES)
def test_the_page_of_a_project_names_all_its_files(engine: str) -> None:
    project = EXAMPLES / f"cutover-{engine}"
    text = (project / "README.md").read_text(encoding="utf-8")
    names = {str(path.relative_to(project)) for path in project.rglob("*.*") if path.suffix in (".yml", ".yaml")}
    assert [name for name in sorted(names) if name not in text] == []
