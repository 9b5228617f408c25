# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.errors import AnsiblePromptInterrupt, AnsiblePromptNoninteractive
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()


class ActionModule(ActionBase):
    """Asks on the controller, and can tell a person who gives no answer from nobody being there."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec({"question": {"type": "str", "required": True}})
        asked, answer = True, ""
        try:
            said = display.prompt_until(f"{options['question']} Type yes to go on, anything else stops")
            answer = said.decode("utf-8", "replace").strip()
        except AnsiblePromptNoninteractive:
            asked = False
        except AnsiblePromptInterrupt:
            answer = "interrupted"
        confirmed = asked and answer.lower() == "yes"
        said_so = "Confirmed." if confirmed else f"Not confirmed. {options['question']} was not answered with yes."
        message = said_so if asked else "There is no terminal, so nobody was asked."
        return {**outcome, "changed": False, "asked": asked, "confirmed": confirmed, "msg": message}
