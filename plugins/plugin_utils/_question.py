# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask a person on the terminal of the controller; only ``yes`` is a yes, and silence is a no."""

from __future__ import annotations

import time
from typing import Any

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.utils.display import Display

display = Display()


def ask_person(question: str, timeout: float | None = None) -> dict[str, Any]:
    """Return ``asked``, ``confirmed`` and ``msg``; ``timeout`` (seconds) is how long to wait for an answer."""
    answer, silent = "", False
    limit = "" if timeout is None else f" within {timeout:g} s"
    began = time.monotonic()
    try:
        seconds = None if timeout is None else max(1, int(timeout))
        typed = display.prompt_until(
            f'{question} Type "yes"{limit} to continue; any other answer stops the cutover.', seconds=seconds
        )
        # What was typed without the return key when time was up is no answer.
        silent = seconds is not None and time.monotonic() - began >= seconds
        answer = "" if silent else typed.decode("utf-8", "replace").strip()
    except AnsiblePromptNoninteractive:
        return {"asked": False, "confirmed": False, "msg": "There is no terminal, so nobody was asked."}
    except AnsiblePromptInterrupt:
        answer = "interrupted"
    confirmed = answer.lower() == "yes"
    if silent:
        message = f'Not confirmed: "{question}" was not answered{limit}.'
    else:
        message = "Confirmed." if confirmed else f'Not confirmed: the answer to "{question}" was not yes.'
    return {"asked": True, "confirmed": confirmed, "msg": message}
