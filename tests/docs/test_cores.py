# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What says which ansible-core the collection runs with says what it is tested with."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.cutover.drs.tests.docs.blocks import CHECKOUT, GUIDES, PAGES

sys.path.insert(0, str(CHECKOUT / "tests" / "tools"))

from cores import CORES, RELEASED

OLDEST, *_OTHERS, NEWEST = RELEASED
SAYING = [*PAGES, *GUIDES, CHECKOUT / "docs/verified/matrix.md"]


def test_ansible_refuses_what_is_older_than_the_oldest_that_is_tested() -> None:
    runtime = yaml.safe_load((CHECKOUT / "meta/runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] == f">={OLDEST}.0"
    roles = (CHECKOUT / "roles").glob("*/meta/main.yml")
    required = {
        yaml.safe_load(path.read_text(encoding="utf-8"))["galaxy_info"]["min_ansible_version"] for path in roles
    }
    assert required == {OLDEST}


@pytest.mark.parametrize("path", SAYING, ids=lambda path: path.name)
def test_a_page_names_the_oldest_and_the_newest_that_are_tested(path: Path) -> None:
    spans = re.findall(r"ansible-core (?:from )?(\d\.\d+) to (\d\.\d+)", path.read_text(encoding="utf-8"))
    assert {*spans} <= {(OLDEST, NEWEST)}
    assert spans or path.name not in ("README.md", "verified.rst", "matrix.md")


def test_a_version_that_is_not_released_yet_is_asked_for_as_a_pre_release() -> None:
    assert CORES[OLDEST].requirement(OLDEST) == f"ansible-core=={OLDEST}.*"
    assert CORES["2.22"].requirement("2.22") == "ansible-core==2.22.*,>=2.22.0rc1"
