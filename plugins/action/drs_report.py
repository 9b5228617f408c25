# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ..plugin_utils._report.write import TITLE, write_each

OPTIONS: dict[str, dict[str, Any]] = {
    "result": {"type": "dict", "required": True},
    "paths": {"type": "list", "elements": "path", "required": True},
    "title": {"type": "str", "default": TITLE},
}


class ActionModule(ActionBase):
    """Writes the reports on the controller, where the result is."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        outcome: dict[str, Any] = super().run(tmp, task_vars)
        _validation, options = self.validate_argument_spec(OPTIONS)
        given = (options["paths"], options["result"], options["title"])
        written, problems = write_each(*given, check_mode=self._task.check_mode)
        outcome.update(changed=bool(written), written=written, problems=problems, failed=bool(problems))
        if problems:
            # One missing file does not prevent the others; the caller decides what it means.
            outcome.update(msg=" ".join(problems), warnings=problems)
        else:
            outcome["msg"] = f"{'Would write' if self._task.check_mode else 'Wrote'} {', '.join(written) or 'nothing'}."
        return outcome
