# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options as the variables of a role or the arguments of a rulebook give them: in their types, or one sentence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Any

from ansible.module_utils.common import validation

from ._job.errors import configuration_error
from ._service.options import ENVIRONMENT

_TYPES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "bool": ("true or false", validation.check_type_bool),
    "dict": ("a dictionary", validation.check_type_dict),
    "float": ("a number", validation.check_type_float),
    "int": ("a whole number", validation.check_type_int),
    "list": ("a list", validation.check_type_list),
    "path": ("a path", validation.check_type_path),
    "str": ("a string", validation.check_type_str),
}


def checked(
    spec: Mapping[str, Mapping[str, Any]],
    given: Mapping[str, Any],
    named: Callable[[str], str] = str,
    *,
    strict: bool = False,
) -> dict[str, Any]:
    """Return every option of ``spec`` in its type, with its default if it is not in ``given``.

    ``named`` returns what the user calls an option. With ``strict`` nothing else is taken for a text. Raises
    :class:`DrsError` of kind ``configuration`` with a sentence for each wrong value.
    """
    values = {name: option.get("default") for name, option in spec.items()}
    wrong = []
    for name, value in given.items():
        try:
            values[name] = _value(named(name), name, spec[name], value, strict)
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise configuration_error(" ".join(wrong))
    return values


def _value(called: str, name: str, option: Mapping[str, Any], value: Any, strict: bool) -> Any:
    kind = option.get("type", "str")
    converted = _converted(called, name, kind, value, option, strict)
    if kind == "list":
        converted = [
            _converted(f"{called}: entry {number}", name, option["elements"], entry, option, strict)
            for number, entry in enumerate(converted, 1)
        ]
    choices: Collection[Any] = option.get("choices") or ()
    entries = converted if kind == "list" else [converted]
    if wrong := [entry for entry in entries if choices and entry not in choices]:
        raise ValueError(f"{called} must be one of {', '.join(choices)}, not {wrong[0]}.")
    return converted


def _converted(called: str, name: str, kind: str, value: Any, option: Mapping[str, Any], strict: bool) -> Any:
    what, convert = _TYPES[kind]
    # Of a list Ansible would make its text in Python: a hold file of that name exists nowhere, and so shuts no gate.
    no_text = not isinstance(value, str) and (strict or isinstance(value, (list, dict)))
    with suppress(TypeError, ValueError, OverflowError):
        if not (no_text and kind in ("path", "str")):
            return convert(value)
    hint = ""
    if strict and kind == "str":
        # Jinja's native types do this in ansible-rulebook: a password "1e5" would become 100000.0.
        variables = " or ".join(ENVIRONMENT.get(name, ()))
        instead = f"quote it where it is written{variables and f', or set {variables}'}"
        hint = f" A template turns a string that looks like a value of another type into it: {instead}."
    shown = type(value).__name__ if option.get("no_log") else repr(value)
    raise ValueError(f"{called} must be {what}, not {shown}.{hint}")
