# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps secrets of ours out of texts that come from elsewhere: a server may echo what we sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

# Shorter values occur by chance in harmless text (a percentage, a status) and protect nothing.
_SHORTEST = 4
_MASK = "********"


class Redactor:
    """Replaces every known secret in a text. Secrets can be added while it is in use."""

    def __init__(self, *secrets: str | None) -> None:
        self._secrets: tuple[str, ...] = ()
        self.add(*secrets)

    def add(self, *secrets: str | None) -> None:
        """Make these secrets known, as they are and as they stand in a URL."""
        known = set(self._secrets)
        for secret in secrets:
            if secret and len(secret) >= _SHORTEST:
                known.update((secret, quote(secret, safe="")))
        # The longest first: a secret may be part of another one.
        self._secrets = tuple(sorted(known, key=lambda secret: (-len(secret), secret)))

    def forget(self, secret: str | None) -> None:
        """A secret that is no longer one, so that a long wait does not collect tokens."""
        gone = (secret, quote(secret or "", safe=""))
        self._secrets = tuple(known for known in self._secrets if known not in gone)

    def text(self, text: str) -> str:
        """The text without secrets, and without lone surrogates, which no output can encode."""
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text.encode("utf-8", "replace").decode("utf-8")

    def json(self, value: Any) -> Any:
        """A parsed JSON value with every string in it, keys included, made safe."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(entry) for entry in value]
        if isinstance(value, dict):
            return {self.text(key): self.json(entry) for key, entry in value.items()}
        return value

    def needed(self, text: str) -> bool:
        """Whether parsed JSON text has to be walked at all: a secret could also hide in an escape."""
        return "\\" in text or any(secret in text for secret in self._secrets)
