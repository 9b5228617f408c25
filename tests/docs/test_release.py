# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A release is tested, checked and agreed to by a person before anybody can install it, and its changelog is complete."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.tests.docs.blocks import CHECKOUT

sys.path.insert(0, str(CHECKOUT))

import noxfile


def loaded(path: str) -> Any:
    return yaml.safe_load((CHECKOUT / path).read_text(encoding="utf-8"))


WORKFLOW = loaded(".github/workflows/release.yml")
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]


def steps(job: str, action: str) -> list[dict[str, Any]]:
    return [step.get("with", {}) for step in JOBS[job].get("steps", []) if step.get("uses", "").startswith(action)]


def commands(job: str) -> str:
    return "\n".join(step.get("run", "") for step in JOBS[job].get("steps", []))


def needed(job: str) -> set[str]:
    """Return what has succeeded before this job begins."""
    needs = JOBS[job].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*map(needed, direct))


def test_only_a_tag_starts_it() -> None:
    # YAML 1.1 takes an unquoted `on` for true.
    assert WORKFLOW["on"] == {"push": {"tags": ["v*"]}}


@pytest.mark.parametrize("job", sorted(set(JOBS) - {"test", "build"}))
def test_nothing_is_published_before_tests_build_and_a_person(job: str) -> None:
    assert {"test", "build"} <= needed(job)
    assert job == "galaxy" or "galaxy" in needed(job)
    assert JOBS["galaxy"]["environment"] == "galaxy"
    assert JOBS["test"]["uses"] == "./.github/workflows/ci.yml"
    assert "workflow_call" in loaded(".github/workflows/ci.yml")["on"]


def test_what_is_published_is_what_was_built_and_checked_for_this_tag() -> None:
    assert '-s release -- "$GITHUB_REF_NAME"' in commands("build")
    (built,) = steps("build", "actions/upload-artifact@")
    for job in ("galaxy", "github"):
        (taken,) = steps(job, "actions/download-artifact@")
        assert taken["name"] == built["name"]
        assert built["path"] in commands(job)
    (texts,) = steps("pages", "actions/download-artifact@")
    uploaded = [step["with"] for step in loaded(".github/workflows/ci.yml")["jobs"]["docs"]["steps"] if "with" in step]
    assert texts["name"] in [step.get("name") for step in uploaded]


def test_the_token_is_no_argument_and_its_lack_is_an_error() -> None:
    assert not re.search(r"--(token|api-key)", commands("galaxy"))
    assert 'test -n "$GALAXY_TOKEN" ||' in commands("galaxy")


def test_the_bot_looks_where_versions_are_pinned() -> None:
    updates = loaded(".github/dependabot.yml")["updates"]
    folders = {folder for update in updates for folder in update.get("directories", [update.get("directory")])}
    pinned = {f"/{path.parent.relative_to(CHECKOUT)}" for path in CHECKOUT.glob("tests/*/requirements.txt")}
    assert {*pinned, "/tests/requirements", "/tests/contract/prism"} <= folders
    assert all((CHECKOUT / folder.lstrip("/")).is_dir() for folder in folders)


def test_a_hook_before_a_commit_is_a_linter_of_make_lint() -> None:
    linters = {" ".join(command.split()[:2]) for command in noxfile.LINTERS.values()}
    hooks = [
        hook["entry"].removeprefix(".venv/bin/") for hook in loaded(".pre-commit-config.yaml")["repos"][0]["hooks"]
    ]
    assert [hook for hook in hooks if " ".join(hook.split()[:2]) not in linters] == []


VERSION = yaml.safe_load((CHECKOUT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
# Markdown escapes the dots and underscores of names.
TEXT = re.sub(r"\\(.)", r"\1", (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8"))
NAMES = sorted(
    path.stem
    for folder in ("plugins/modules", "plugins/test", "extensions/eda/plugins/event_source")
    for path in (CHECKOUT / folder).glob("*.py")
) + sorted(path.name for path in (CHECKOUT / "roles").iterdir())


def test_it_has_the_version_of_the_collection() -> None:
    releases = yaml.safe_load((CHECKOUT / "changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"]
    assert VERSION in releases
    assert f"## v{VERSION}\n" in TEXT


@pytest.mark.parametrize("name", NAMES)
def test_it_names_every_plugin_and_role(name: str) -> None:
    assert f"cutover.drs.{name}" in TEXT


def test_the_first_version_speaks_of_no_change_against_another() -> None:
    if VERSION == "1.0.0":
        assert [
            line
            for line in TEXT.splitlines()
            if re.match(r"### (Minor|Breaking|Bugfixes|Security|Deprec|Removed)", line)
        ] == []
