# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A login that is used again by another process, so that a cutover of many steps logs in once. In memory only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any


class Remembered:
    """The states of logins, each under what keystoneauth1 tells one login from another by: both are secret."""

    def __init__(self, states: dict[str, str]) -> None:
        self.states = states

    def restore(self, plugin: Any) -> None:
        """Give a plugin of keystoneauth1 the token of the last login, if there was one."""
        state = self.states.get(str(plugin.get_cache_id()))
        if state:
            # What cannot be used leads to a login.
            with suppress(ValueError, KeyError, TypeError):
                plugin.set_auth_state(state)

    def gave(self, plugin: Any, token: str) -> bool:
        """Tell whether a token is that of an earlier login."""
        return token in self.states.get(str(plugin.get_cache_id()), "")

    def keep(self, plugin: Any) -> None:
        """Keep the token that a plugin has now, if its kind can be used again."""
        with suppress(NotImplementedError):
            state = plugin.get_auth_state()
            if state:
                self.states[str(plugin.get_cache_id())] = state


_REMEMBERED: ContextVar[Remembered | None] = ContextVar("remembered", default=None)


def remembered() -> Remembered:
    """Return the logins that may be used again here: none, unless somebody uses some."""
    return _REMEMBERED.get() or Remembered({})


@contextmanager
def using(logins: Remembered) -> Iterator[None]:
    """Use these logins again, and keep new ones with them."""
    token = _REMEMBERED.set(logins)
    try:
        yield
    finally:
        _REMEMBERED.reset(token)
