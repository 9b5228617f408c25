# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles have every option of drs_job_wait, and say of it what the module says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]


def options_of(role: str) -> dict[str, Any]:
    specs = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8"))
    return dict(specs["argument_specs"]["main"]["options"])


@pytest.fixture(scope="module")
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("role_options", ROOT / "tests/tools/role_options.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_derived_from_the_documentation_is_up_to_date(tool: Any) -> None:
    stale = [path.relative_to(ROOT) for path, text in tool.files().items() if path.read_text(encoding="utf-8") != text]
    assert not stale, "make roles brings them up to date"


@pytest.mark.parametrize(("role", "not_of_it"), [("drs_wait", {"variables"}), ("drs_cutover", {"variables", "replay"})])
def test_a_role_has_every_option_of_drs_job_wait(tool: Any, role: str, not_of_it: set[str]) -> None:
    missing = {name for name in tool.options() if f"{role}_{name}" not in options_of(role)}
    assert missing == not_of_it


@pytest.mark.parametrize("role", ["drs_wait", "drs_cutover"])
def test_a_default_is_what_the_documentation_says(role: str) -> None:
    defaults = yaml.safe_load((ROOT / f"roles/{role}/defaults/main.yml").read_text(encoding="utf-8"))
    documented = {name: option.get("default", "") for name, option in options_of(role).items()}
    assert {name: documented[name] for name in defaults} == defaults


@pytest.mark.parametrize("role", ["drs_wait", "drs_cutover"])
def test_what_is_secret_is_secret_in_the_role_too(role: str) -> None:
    secret = {name.removeprefix(f"{role}_") for name, option in options_of(role).items() if option.get("no_log")}
    assert secret == {"auth_token", "password", "access_key", "secret_key", "security_token", "proxy"}
