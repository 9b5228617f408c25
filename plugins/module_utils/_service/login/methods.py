# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The methods of login: which one the options and the environment mean, and what it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..._job.errors import configuration_error
from ..options import ENVIRONMENT, from_environment


@dataclass(frozen=True)
class LoginMethod:
    """A method of login: the options that tell it is meant, and those it cannot do without."""

    name: str
    marks: tuple[str, ...]
    needs: tuple[str, ...]
    others: tuple[str, ...] = ()


# In this order in the environment, where several may be present.
LOGIN_METHODS = (
    LoginMethod("token", ("auth_token",), ("auth_token",)),
    LoginMethod("password", ("username", "password"), ("username", "password", "user_domain_name")),
    LoginMethod("access keys", ("access_key", "secret_key"), ("access_key", "secret_key"), ("security_token",)),
    LoginMethod("clouds.yaml", ("cloud",), ("cloud",)),
)


def method_of(options: Mapping[str, Any], environ: Mapping[str, str]) -> LoginMethod:
    """The one method of login: given options beat the environment."""
    given = [
        method for method in LOGIN_METHODS if any(options.get(option) for option in (*method.marks, *method.others))
    ]
    if len(given) > 1:
        names = [option for method in given for option in (*method.marks, *method.others) if options.get(option)]
        methods = " and ".join(method.name for method in given)
        number = {2: "two", 3: "three"}.get(len(given), len(given))
        raise configuration_error(
            f"Options for {number} login methods are set, {methods} ({', '.join(names)}). Set only one."
        )
    if not given:
        # A method that is complete comes before one that a stray variable only hints at.
        hinted = [
            method for method in LOGIN_METHODS if any(from_environment(option, environ) for option in method.marks)
        ]
        given = sorted(hinted, key=lambda method: bool(_lacking(method, options, environ)))[:1]
    if not given:
        methods = "; ".join(f"{method.name} ({', '.join(method.needs)})" for method in LOGIN_METHODS)
        raise configuration_error(
            f"No credentials found. Set the options of one login method ({methods}) or their environment variables."
        )
    missing = _lacking(given[0], options, environ)
    if missing:
        raise configuration_error(f"A login by {given[0].name} also needs {with_names(missing, 'and')}.")
    return given[0]


def _lacking(method: LoginMethod, options: Mapping[str, Any], environ: Mapping[str, str]) -> list[str]:
    return [option for option in method.needs if not (options.get(option) or from_environment(option, environ))]


def with_names(options: list[str], last: str = "or") -> str:
    """Options for a sentence, each with its environment names."""
    shown = [f"{option} ({' or '.join(ENVIRONMENT[option])})" for option in options]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {last} {shown[-1]}"
