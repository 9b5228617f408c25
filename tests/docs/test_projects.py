# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the complete projects in docs/examples have in common with each other and with the guides is the same."""

from __future__ import annotations

import pytest

from ansible_collections.cutover.drs.tests.docs.blocks import EXAMPLES

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
