# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts as a hostile server would send them, put into every place of a result that holds a text of a server."""

from __future__ import annotations

from typing import Any

TEXTS = {
    "ansi": "\x1b[2J\x1b[31mred\x1b[0m\x9b31m",
    "newlines": "one\r\ntwo\n# HELP drs_wait_ready no\ndrs_wait_ready 1\u2028three\u2029four\x0bfive",
    "script": "</script></style></title><script>alert(1)</script>",
    "image": '<img src="http://198.51.100.9/x" onerror=alert(1)>',
    "quotes": '"\' onmouseover="alert(1)" x=\'',
    "jinja": "{{ 7*7 }}{% for x in y %}{# #}{{ lookup('pipe', 'id') }}",
    "bidi": "\u202eydaer\u2066\u200f",
    "surrogate": "\ud800x\udfff",
    "nul": "a\x00b\x08c\x7f",
    "noncharacters": "\ufffe\uffff\U0001fffe",
    "xml": "]]><!-- --><?xml?>&amp;&#0;&lol;<![CDATA[",
    "markdown": "](http://198.51.100.9/) ![x](http://198.51.100.9/y) `` ` **b** ~~s~~ | a | b |\n\n# h\n- l <details>",
    "links": "see http://198.51.100.9/ www.example.com mail a@example.com and @somebody #1",
    "backslash": "a\\",
    "backslash quote": '\\"} 1',
    "url": "javascript:alert(1)",
    "css": "}</style><b1>;background:url(http://198.51.100.9/)",
    "long": "x" * 20_000,
    "path": "../../etc/passwd",
}

# The keys of a result whose texts come from a server (or from whoever named the jobs).
_FROM_OUTSIDE = (
    *("reason", "msg", "id", "status", "transfer_status", "error_code", "error_message", "task_mode", "text"),
    *("from", "to", "trend", "hold_file", "request_id", "outcome", "name", "engine", "user", "machine", "host"),
    *("file", "recorded", "replayed"),
)


def everywhere(value: Any, text: str = "", key: str = "") -> Any:
    """Return a result with hostile texts in place of what comes from outside; all of them unless one is named."""
    hostile = text or " ".join(TEXTS.values())
    if isinstance(value, dict):
        named = {name: everywhere(entry, text, name) for name, entry in value.items()}
        if "facts" in value:
            # Whoever sets them may have read them anywhere.
            named["facts"] = {hostile: {hostile: hostile}, hostile[::-1]: [hostile], **named["facts"]}
        return {**named, "parts": {hostile: {"progress": 5}}} if "parts" in value else named
    if isinstance(value, list):
        return [everywhere(entry, text, key) for entry in value]
    return f"{value}{hostile}" if key in _FROM_OUTSIDE else value
