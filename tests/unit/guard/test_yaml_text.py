# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as YAML texts for the ansible-playbook of a guard: they come out as they were, and no text is templated."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import yaml

from ansible_collections.cutover.drs.plugins.plugin_utils._guard.unfreeze import yaml_text


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
        ({1: "number", False: "truth"}, {1: "number", False: "truth"}),
        ({date(2026, 11, 28): "day"}, {"2026-11-28": "day"}),
        (date(2026, 11, 28), "2026-11-28"),
        (b"bytes\xff", "bytes\ufffd"),
        ("x" * 100_000, "x" * 100_000),
    ],
)
def test_a_value_is_read_as_it_was(value: Any, read: Any) -> None:
    assert Loader(yaml_text(value)).get_single_data() == read


def test_only_a_template_of_the_play_stays_one() -> None:
    class Template(str):
        """A text that the play may template."""

    values = {"ours": Template("{{ a }}"), "theirs": "{{ b }}", "plain": "c", "deep": [Template("{% d %}"), "{# e #}"]}
    text = yaml_text(values, lambda value: isinstance(value, Template))
    assert (
        text == '{"ours": "{{ a }}", "theirs": !unsafe "{{ b }}", "plain": "c", "deep": ["{% d %}", !unsafe "{# e #}"]}'
    )
    # What a journal keeps is plain: none of it is a template.
    assert yaml_text(values).count("!unsafe") == 4
