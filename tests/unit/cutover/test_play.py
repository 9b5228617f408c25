# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a play, as text for the ansible-playbook of the guard."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.plugins.plugin_utils._cutover import play as _play


class Loader(yaml.CSafeLoader):
    """That of Ansible: its scanner is the one in C."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("Zürich, 北京, \N{PILE OF POO}", "Zürich, 北京, \N{PILE OF POO}"),
        # Bytes of another encoding, as a module returns them: half a character, which no YAML can hold.
        ("f\udcfcr", "f\ufffdr"),
        ("\x00\x1b[0m\x7f\u2028\ufeff", "\x00\x1b[0m\x7f\u2028\ufeff"),
        ("{{ not ours", "{{ not ours"),
        (float("inf"), None),
        ({"a": [1, True, None, 1.5]}, {"a": [1, True, None, 1.5]}),
        ({1: "number"}, {"1": "number"}),
        (date(2026, 11, 28), "2026-11-28"),
        (b"bytes\xff", "bytes\ufffd"),
        ("x" * 100_000, "x" * 100_000),
    ],
)
def test_a_value_is_read_as_it_was(value: Any, read: Any) -> None:
    assert Loader(_play._yaml(value)).get_single_data() == read
