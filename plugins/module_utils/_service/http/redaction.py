# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes texts that come from elsewhere safe to show.

A server may echo secrets that we sent, or send what moves the cursor of a terminal: ansible-core
2.19 and later print the message of a failed task as it is.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import quote, quote_plus

# Shorter values occur by chance in harmless text (a percentage, a status) and protect nothing.
_SHORTEST = 4
_MASK = "********"
# Control characters but line end and tab, and those that turn the direction of what follows.
_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]")


def _forms(secret: str) -> set[str]:
    """How a secret may stand in a text that a server makes of what it got."""
    # A variable of the environment that is not UTF-8 has surrogates, at which quote() would raise.
    in_url = [
        quote_form(secret, safe=safe, errors="surrogatepass")
        for quote_form in (quote, quote_plus)
        for safe in ("", "/")
    ]
    in_json = [json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)]
    return {secret, *in_url, *(re.sub("%..", lambda code: code[0].lower(), form) for form in in_url), *in_json}


class Redactor:
    """Replaces every known secret, and every control character, in a text. Secrets can be added while it is in use."""

    def __init__(self, *secrets: str | None) -> None:
        self._secrets: tuple[str, ...] = ()
        self.add(*secrets)

    def add(self, *secrets: str | None) -> None:
        """Make these secrets known, as they are and as they stand in a URL and in JSON."""
        known = set(self._secrets)
        for secret in secrets:
            if secret and len(secret) >= _SHORTEST:
                known.update(_forms(secret))
        # The longest first: a secret may be part of another one.
        self._secrets = tuple(sorted(known, key=lambda secret: (-len(secret), secret)))

    def forget(self, secret: str | None) -> None:
        """A secret that is no longer one, so that a long wait does not collect tokens."""
        gone = _forms(secret or "")
        self._secrets = tuple(known for known in self._secrets if known not in gone)

    def text(self, text: str) -> str:
        """The text without secrets and control characters, and without lone surrogates, which no output can encode."""
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return _CONTROL.sub("?", text.encode("utf-8", "replace").decode("utf-8"))

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
        """Whether parsed JSON text has to be walked at all: what is not safe could also hide in an escape."""
        return (
            "\\" in text
            or any(secret in text for secret in self._secrets)
            # Of ASCII a JSON string holds control characters as escapes only, but for one.
            or ((not text.isascii() or "\x7f" in text) and bool(_CONTROL.search(text)))
        )
