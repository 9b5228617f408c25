# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one kind of exception the API client raises, and what a task's ``failure`` holds."""

from __future__ import annotations

from enum import Enum
from typing import Any

# Characters. The longest message of the documentation has some 200.
_LONGEST_SAID = 2000


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


class DrsError(Exception):
    """A request that gave no usable answer.

    ``str(error)`` is one sentence for people: what happened, to which request, what to do.
    ``repeatable`` tells whether sending the same request again may help, ``retry_after``
    (seconds) when the server said how long to wait first, ``final`` whether a wait should
    stop at once because retrying cannot succeed.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        http_status: int | None = None,
        error_code: str | None = None,
        error_message: str | None = None,
        request_id: str | None = None,
        attempts: int = 0,
        repeatable: bool = False,
        retry_after: float | None = None,
        final: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.http_status = http_status
        self.error_code = error_code
        self.error_message = error_message
        self.request_id = request_id
        self.attempts = attempts
        self.repeatable = repeatable
        self.retry_after = retry_after
        self.final = kind in _FINAL if final is None else final

    @property
    def withdrawn(self) -> bool:
        """Whether the service does not offer the operation, or no longer."""
        return (self.http_status, self.error_code) == (404, "APIGW.0101")

    def failure(self) -> dict[str, Any]:
        """The error as the ``failure`` of a task's result."""
        return {
            "kind": self.kind.value,
            "http_status": self.http_status,
            "error_code": self.error_code,
            "error_message": self.error_message,
            "request_id": self.request_id,
            "attempts": self.attempts,
        }


def cut(text: str) -> str:
    """What a service says of an error, of a length that messages, results and recordings can bear."""
    return text if len(text) <= _LONGEST_SAID else f"{text[:_LONGEST_SAID]}..."


def configuration_error(message: str) -> DrsError:
    """An option that is missing or makes no sense; nothing was sent."""
    return DrsError(Kind.CONFIGURATION, message)


def protocol_error(message: str) -> DrsError:
    """An answer that is not what the documentation promises."""
    return DrsError(Kind.PROTOCOL, message)
