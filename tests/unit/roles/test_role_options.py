# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The roles have every option of drs_job_wait, and say of it what the module says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.plugins.module_utils._service.options import CONNECTION_OPTIONS
from ansible_collections.cutover.drs.plugins.module_utils._wait.options import WAIT_OPTIONS
from ansible_collections.cutover.drs.plugins.plugin_utils import _wait_step
from ansible_collections.cutover.drs.plugins.plugin_utils._cutover import options as _cutover_options
from ansible_collections.cutover.drs.tests.generated import role_options, write

ROOT = Path(__file__).resolve().parents[3]


def options_of(role: str) -> dict[str, Any]:
    specs = yaml.safe_load((ROOT / f"roles/{role}/meta/argument_specs.yml").read_text(encoding="utf-8"))
    return dict(specs["argument_specs"]["main"]["options"])


def test_what_is_derived_from_documentation_is_up_to_date() -> None:
    assert not [str(path) for path in write.stale()], "nox -s generate brings them up to date"


@pytest.mark.parametrize(
    ("role", "not_of_it"),
    [("drs_wait", {"role_prefixes", "series"}), ("drs_cutover", {"role_prefixes", "series", "replay"})],
)
def test_a_role_has_every_option_of_drs_job_wait(role: str, not_of_it: set[str]) -> None:
    missing = {name for name in role_options.options() if f"{role}_{name}" not in options_of(role)}
    assert missing == not_of_it


@pytest.mark.parametrize(
    ("role", "spec", "not_read_here"),
    [
        ("drs_wait", {**CONNECTION_OPTIONS, **WAIT_OPTIONS, **_wait_step.OPTIONS}, {"role_prefixes", "series"}),
        ("drs_cutover", _cutover_options.OPTIONS, set()),
    ],
)
def test_a_role_documents_the_options_that_it_reads_with_their_types_and_defaults(
    role: str, spec: dict[str, dict[str, Any]], not_read_here: set[str]
) -> None:
    documented = {name.removeprefix(f"{role}_"): option for name, option in options_of(role).items()}
    assert documented.keys() == spec.keys() - not_read_here
    for name, option in documented.items():
        known = spec[name].get("type", "str")
        assert option.get("type", "str") == (known if known in ("str", "path", "dict") else "raw"), name
        assert option.get("default") == spec[name].get("default"), name


@pytest.mark.parametrize("role", ["drs_wait", "drs_cutover"])
def test_what_is_secret_is_secret_in_the_role_too(role: str) -> None:
    secret = {name.removeprefix(f"{role}_") for name, option in options_of(role).items() if option.get("no_log")}
    assert secret == {"auth_token", "password", "access_key", "secret_key", "security_token", "proxy"}
