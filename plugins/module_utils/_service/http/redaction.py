# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes texts that come from elsewhere safe to show.

A server may echo secrets that we sent, or send what moves the cursor of a terminal: ansible-core
2.19 and later print the message of a failed task as it is.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Container, Iterator, Sequence
from functools import cached_property, lru_cache
from html.entities import codepoint2name
from shlex import quote
from typing import Any

from ..._job.status_table import STATUSES

# Shorter values occur by chance in harmless text (a percentage, a status) and protect nothing.
_SHORTEST = 4
# This many characters at the beginning of a secret are one: a server may cut what it quotes.
_ENOUGH = 16
# Fewer characters of base64 occur by chance in ids.
_SHORTEST_BASE64 = 8
_MASK = "********"
# Control characters but line end and tab, and those that turn the direction of what follows.
_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]")
# Fields of answers and of results by which jobs are told apart.
_COMPARED = frozenset(("id", "job_id", "name"))
# A verdict, a state, a status: whoever reads a result looks for it, also if somebody has it for a password.
_WORD = re.compile(r"[A-Za-z_]+")
# Words of the API. Somebody may have one for a password, and nothing could be read any more.
_OF_THE_API = frozenset(
    [
        *STATUSES,
        *("FULL_TRANS", "INCR_TRANS", "FULL_INCR_TRANS"),
        *("count", "total_record", "total_count", "results", "jobs", "children", "job_action", "current_action"),
        *(
            "status",
            "transfer_status",
            "task_mode",
            "task_type",
            "job_type",
            "db_use_type",
            "engine_type",
            "create_time",
        ),
        *("progress", "progress_map", "completed", "remaining_time", "incre_trans_delay", "incre_trans_delay_millis"),
        *("process_time", "src_offset", "node_offset", "dst_offset", "is_target_readonly", "job_direction"),
        *("error", "error_code", "error_msg", "error_message", "message", "request_id", "code", "title", "projects"),
        *_COMPARED,
    ]
)
# What begins another spelling of a character: in a URL, JSON, HTML. The one of a form, + for a space, is looked for
# apart: each line of progress has one, and to compile the pattern of a secret takes longer than all else in a sample.
_SPELLING = re.compile(r"\\|%[0-9A-Fa-f]{2}|&[#A-Za-z]")
# The rest of a base64 text: it may hold what stands beside the secret, such as a user.
_BASE64 = r"(?:[A-Za-z0-9+/=_-]|%(?:25)*(?:2[BbFf]|3[Dd]))*"
_BEFORE, _AFTER = re.compile(rf"{_BASE64}\Z"), re.compile(_BASE64)

# How the characters are spelled that spell others: HTML in JSON, JSON in a URL, and so on. All repetitions are
# bounded, as the text may be made of nothing else.
_PERCENT = r"(?:%|\\{1,8}u0025|&(?:amp;){0,3}#(?:37|[xX]25);)(?:25){0,3}"
_AMPERSAND = r"(?:&|\\{1,8}u0026|%(?:25){0,3}26)(?:amp;|amp%3[Bb]){0,3}"
_BACKSLASHES = r"(?:\\|\\u005[cC]|%(?:25){0,3}5[cC]|&(?:amp;){0,3}(?:#(?:92|[xX]5[cC])|bsol);){1,16}"
_HASH, _END = r"(?:#|%(?:25){0,3}23)", r"(?:;|%(?:25){0,3}3[Bb])?"
_LETTERS = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_NAMED = {"'": ("apos",), "=": ("equals",), "/": ("sol",), "+": ("plus",), "%": ("percnt",), "\n": ("NewLine",)}


def _any_case(digits: str) -> str:
    return "".join(f"[{digit.lower()}{digit.upper()}]" if digit.isalpha() else digit for digit in digits)


@lru_cache(maxsize=1024)
def _spelled(char: str) -> str:
    """A pattern for a character in all the ways in which a text may spell it."""
    code = ord(char)
    # A variable of the environment that is not UTF-8 has surrogates.
    units = char.encode("utf-16-be", "surrogatepass").hex()
    in_json = "".join(rf"{_BACKSLASHES}u{_any_case(units[at : at + 4])}" for at in range(0, len(units), 4))
    encodings = {char.encode("utf-8", "surrogatepass"), char.encode("latin-1", "replace") if code < 256 else b""} - {
        b""
    }
    in_url = ["".join(_PERCENT + _any_case(f"{byte:02x}") for byte in encoded) for encoded in sorted(encodings)]
    names = [*_NAMED.get(char, ()), *([codepoint2name[code]] if code in codepoint2name else [])]
    ways = [
        re.escape(char),
        in_json,
        *in_url,
        f"{_AMPERSAND}{_HASH}0{{0,6}}{code}{_END}",
        f"{_AMPERSAND}{_HASH}[xX]0{{0,6}}{_any_case(f'{code:x}')}{_END}",
        *(f"{_AMPERSAND}{name}{_END}" for name in names),
    ]
    if code < 256:
        ways.append(rf"{_BACKSLASHES}x{_any_case(f'{code:02x}')}")
    if len(units) > 4:
        ways.append(rf"{_BACKSLASHES}U{_any_case(f'{code:08x}')}")
    if char == "\\":
        ways.append(_BACKSLASHES)
    elif not char.isalnum() and char.isprintable():
        ways.append(_BACKSLASHES + re.escape(char))
    if char in _LETTERS:
        ways.append(_BACKSLASHES + _LETTERS[char])
    if char == " ":
        ways.append(r"\+")
    # The longest first: a backslash may be the first character of another spelling.
    return f"(?:{'|'.join(sorted(ways, key=len, reverse=True))})"


@lru_cache(maxsize=1024)
def _one(char: str) -> re.Pattern[str]:
    return re.compile(_spelled(char))


class _Form:
    """A secret in one of its forms. ``whole`` masks what it is a part of, as base64 of a user and a password."""

    def __init__(self, text: str, whole: bool = False) -> None:
        # Each spelling doubles backslashes, so that only whether there are any can be compared.
        elements = re.findall(r"\\+|[^\\]", text)
        self.head, self._whole = _as_in_a_form("".join(elements[:_ENOUGH])), whole
        # So many characters a text has at least that holds it.
        self.least = len(elements[:_ENOUGH])
        self._first, self._rest = (
            [element[0] for element in part] for part in (elements[:_ENOUGH], elements[_ENOUGH:])
        )

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("".join(map(_spelled, self._first)))

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the form, or what is left of it, begins and ends."""
        at = 0
        while found := self._pattern.search(text, at):
            begin, end = found.span()
            for char in self._rest:
                following = _one(char).match(text, end)
                if not following:
                    break
                end = following.end()
            if self._whole:
                begin = _begin_of_base64(text, begin)
                after = _AFTER.match(text, end)
                end = after.end() if after else end
            yield begin, end
            at = max(found.start() + 1, end)


def _as_in_a_form(text: str) -> str:
    return text.replace("+", " ")


def _begin_of_base64(text: str, at: int) -> int:
    # A header of a login has less than this.
    window = text[max(0, at - 1024) : at]
    before = _BEFORE.search(window)
    return at - len(before[0]) if before else at


def _forms(secret: str) -> Iterator[_Form]:
    """How a secret may stand in a text that a server makes of what it got."""
    texts = {secret, secret.strip()}
    for text in sorted(texts, key=len, reverse=True):
        if len(text) < _SHORTEST:
            continue
        yield _Form(text)
        if "'" in text:
            yield _Form(quote(text)[1:-1])
        if not text.isascii():
            # Read in the wrong encoding.
            yield _Form(text.encode("utf-8", "surrogatepass").decode("latin-1"))
        raw = text.encode("utf-8", "surrogatepass")
        for before in range(3):
            # After that many bytes of something else; the characters at both ends hold bits of their neighbours.
            encoded = b64encode(bytes(before) + raw).decode().rstrip("=")
            core = encoded[(0, 2, 3)[before] : (before + len(raw)) * 8 // 6]
            if len(core) >= _SHORTEST_BASE64:
                yield _Form(core, whole=True)
                if "+" in core or "/" in core:
                    yield _Form(core.replace("+", "-").replace("/", "_"), whole=True)


# Logins of others: an option of a JDBC URL, and user and password of any URL.
_OF_OTHERS = (
    re.compile(rf"(?i)((?:password|passwd|pwd){_spelled('=')})(?:\\*\"[^\"]*\"|\\*'[^']*'|[^\s&;,\"'<>)]+)"),
    re.compile(r"(://[^\s/:@?#\"'<>]*:)[^\s/@\"'<>]+(?=@)"),
)
_HINTS_OF_A_LOGIN = ("passw", "pwd", "://")


class Redactor:
    """Replaces every known secret, and every control character, in a text. Secrets can be added while it is in use."""

    def __init__(self, *secrets: str | None) -> None:
        self._secrets: dict[str, tuple[_Form, ...]] = {}
        self.add(*secrets)

    def add(self, *secrets: str | None) -> None:
        """Make these secrets known, in each form in which a text may quote them."""
        new = {secret: tuple(_forms(secret)) for secret in secrets if secret and secret not in self._secrets}
        # Another thread may be reading.
        self._secrets = {**self._secrets, **{secret: forms for secret, forms in new.items() if forms}}

    def forget(self, secret: str | None) -> None:
        """Stop redacting a replaced token, so that a long wait does not accumulate tokens."""
        self._secrets = {known: forms for known, forms in self._secrets.items() if known != secret}

    def text(self, text: str) -> str:
        """The text without secrets and control characters, and without lone surrogates, which no output can encode."""
        places = [place for form in self._forms_in(text) for place in form.places(text)]
        if places:
            text = _masked(text, sorted(places))
        if _may_hold_a_login(text):
            for login in _OF_OTHERS:
                text = login.sub(rf"\1{_MASK}", text)
        return _safe(text)

    def _forms_in(self, text: str) -> list[_Form]:
        """The forms that a text may hold. Where nothing is spelled in another way they stand there as they are."""
        spelled, as_in_a_form = _is_spelled(text), _as_in_a_form(text)
        return [
            form
            for forms in self._secrets.values()
            for form in forms
            if form.least <= len(text) and (spelled or form.head in as_in_a_form)
        ]

    def json(self, value: Any) -> Any:
        """A parsed JSON value with every string in it, keys included, made safe.

        Ids and names are compared as they came: secrets stay in them until they are :meth:`shown`.
        """
        if isinstance(value, str):
            return value if value in _OF_THE_API else self.text(value)
        if isinstance(value, list):
            return [self.json(entry) for entry in value]
        if isinstance(value, dict):
            return {
                self.json(key): _safe(entry) if key in _COMPARED and isinstance(entry, str) else self.json(entry)
                for key, entry in value.items()
            }
        return value

    def shown(self, value: Any, known: Container[str] = (), key: str = "") -> Any:
        """What we made of answers, with secrets in no string of it but the words of this collection, its keys too.

        ``known`` are strings that stay as they are, such as ids that the user gave.
        """
        if isinstance(value, str):
            return value if value in known or (key not in _COMPARED and _WORD.fullmatch(value)) else self.text(value)
        if isinstance(value, (list, tuple)):
            return [self.shown(entry, known, key) for entry in value]
        if isinstance(value, dict):
            return {name: self.shown(entry, known, str(name)) for name, entry in value.items()}
        return value

    def needed(self, text: str) -> bool:
        """Whether parsed JSON text has to be walked at all: what is not safe could also hide in another spelling."""
        return (
            _is_spelled(text)
            or bool(self._forms_in(text))
            or _may_hold_a_login(text)
            # Of ASCII a JSON string holds control characters as escapes only, but for one.
            or ((not text.isascii() or "\x7f" in text) and bool(_CONTROL.search(text)))
        )


def _is_spelled(text: str) -> bool:
    # In an answer about a hundred jobs, to look for single texts first is several times faster than to search for a pattern.
    return any(char in text for char in "\\%&") and bool(_SPELLING.search(text))


def _may_hold_a_login(text: str) -> bool:
    folded = text.casefold()
    return any(hint in folded for hint in _HINTS_OF_A_LOGIN)


def _safe(text: str) -> str:
    return _CONTROL.sub("?", text.encode("utf-8", "replace").decode("utf-8"))


def _masked(text: str, places: Sequence[tuple[int, int]]) -> str:
    """The text with one mask for each run of these places, which are in order and may overlap."""
    parts, shown, masked = [], 0, -1
    for begin, end in places:
        if begin > masked:
            parts += [text[shown:begin], _MASK]
        masked = max(masked, end)
        shown = masked
    return "".join([*parts, text[shown:]])
