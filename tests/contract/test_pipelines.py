# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pipelines of the documentation are what GitLab and GitHub publish as the form of their files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.tests.docs.blocks import CHECKOUT, Block, blocks, documents
from ansible_collections.cutover.drs.tests.peers import peer

# By the beginning of a file's name, the schema that check-jsonschema brings along.
SCHEMAS = {".gitlab-ci.yml": "vendor.gitlab-ci", ".github/workflows/": "vendor.github-workflows"}
PIPELINES = [
    block for path in documents() for block in blocks(path) if block.file and block.file.startswith(tuple(SCHEMAS))
]


def refused(schema: str, path: Path) -> str:
    """Return what is wrong with a file; nothing if it is as the schema wants it."""
    command = [str(peer("check-jsonschema")), "--builtin-schema", schema, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("block", PIPELINES, ids=lambda block: block.where)
def test_a_pipeline_that_a_page_shows_is_one(block: Block, tmp_path: Path) -> None:
    assert block.file
    (schema,) = (schema for begin, schema in SCHEMAS.items() if block.file.startswith(begin))
    (tmp_path / "shown.yml").write_text(block.text, encoding="utf-8")
    assert refused(schema, tmp_path / "shown.yml") == ""
    (tmp_path / "wrong.yml").write_text(block.text + "jobs: 7\nstages: 7\n", encoding="utf-8")
    assert refused(schema, tmp_path / "wrong.yml")


@pytest.mark.parametrize("path", sorted((CHECKOUT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_a_workflow_of_this_project_is_one(path: Path) -> None:
    assert refused("vendor.github-workflows", path) == ""


def test_there_are_pipelines_for_both() -> None:
    assert {block.file.split("/")[0] for block in PIPELINES if block.file} == {".gitlab-ci.yml", ".github"}
