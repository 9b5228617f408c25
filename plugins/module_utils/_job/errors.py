# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one kind of exception the API client raises, and what a task's ``failure`` holds."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, InitVar, dataclass
from enum import Enum
from typing import Any

from .text import printable

# How a field for an error says that there is none: with a code of zeros, or a word.
_NO_ERROR_CODE = re.compile(r"(?:[A-Z]+\.)?[A-Z]?0+|null|none|success|ok", re.ASCII | re.IGNORECASE)
_NO_ERROR_MESSAGES = ("null", "ok", "success")

# Characters. The longest message of the documentation has some 200, the longest status 31.
LONGEST_SAID = 2000
LONGEST_WORD = 100
# Of a whole sentence, which quotes several of them.
_LONGEST_MESSAGE = 8000


class Kind(str, Enum):
    """What went wrong, in the words of a task's ``failure.kind``."""

    CONFIGURATION = "configuration"
    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    INVALID_REQUEST = "invalid_request"
    THROTTLED = "throttled"
    SERVICE = "service"
    NETWORK = "network"
    PROTOCOL = "protocol"


# What retrying cannot fix: somebody has to change something first.
_FINAL = (Kind.CONFIGURATION, Kind.AUTHENTICATION, Kind.PERMISSION, Kind.INVALID_REQUEST)


@dataclass(eq=False, repr=False)
class DrsError(Exception):
    """A request that returned no usable response.

    ``str(error)`` is one sentence for people: what happened, to which request, what to do.
    ``repeatable`` tells whether sending the same request again may help, ``retry_after``
    (seconds) when the server said how long to wait first, ``final`` whether a wait should
    stop at once because retrying cannot succeed: so it is with some kinds in any case.
    """

    kind: Kind
    message: InitVar[str]
    _by_name: KW_ONLY
    http_status: int | None = None
    error_code: str | None = None
    error_message: str | None = None
    request_id: str | None = None
    attempts: int = 0
    repeatable: bool = False
    retry_after: float | None = None
    final: bool = False

    def __post_init__(self, message: str) -> None:
        super().__init__(message)
        self.final = self.final or self.kind in _FINAL

    def __str__(self) -> str:
        # Here and in `failure`, since every text of an error goes out by one of them.
        return cut(super().__str__(), _LONGEST_MESSAGE)

    @property
    def withdrawn(self) -> bool:
        """Whether the service does not offer the operation, or no longer."""
        return (self.http_status, self.error_code) == (404, "APIGW.0101")

    def again(self) -> DrsError:
        """The same error for somebody else, who may say in other words to which request it happened."""
        other = DrsError(self.kind, str(self))
        vars(other).update(vars(self))
        return other

    def failure(self) -> dict[str, Any]:
        """The error as the ``failure`` of a task's result."""
        return {
            "kind": self.kind.value,
            "http_status": self.http_status,
            "error_code": self.error_code and cut(self.error_code, LONGEST_WORD),
            "error_message": self.error_message and cut(self.error_message),
            "request_id": self.request_id and cut(self.request_id, LONGEST_WORD),
            "attempts": self.attempts,
        }


def cut(text: str, longest: int = LONGEST_SAID) -> str:
    """What a service says, printable, and of a length (characters) that messages, results and recordings can bear."""
    return printable(text if len(text) <= longest else f"{text[:longest]}...")


def is_error_code(value: object) -> bool:
    """Whether the value of an ``error_code`` says that there is an error. ``DRS.00000000``, 0 and ``null`` do not."""
    if isinstance(value, str):
        return bool(value.strip()) and not _NO_ERROR_CODE.fullmatch(value.strip())
    return bool(value)


def is_error_message(value: object) -> bool:
    """Whether the value of an ``error_msg`` says anything of an error."""
    if isinstance(value, str):
        return bool(value.strip()) and value.strip().rstrip(".").lower() not in _NO_ERROR_MESSAGES
    return bool(value)


def configuration_error(message: str) -> DrsError:
    """An option that is missing or makes no sense; nothing was sent."""
    return DrsError(Kind.CONFIGURATION, message)


def protocol_error(message: str) -> DrsError:
    """An answer that is not what the documentation promises."""
    return DrsError(Kind.PROTOCOL, message)
