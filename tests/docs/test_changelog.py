# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The changelog has the version that would be published, with everything that is new in it."""

from __future__ import annotations

import re

import pytest
import yaml

from ansible_collections.cutover.drs.tests.docs.blocks import CHECKOUT

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
