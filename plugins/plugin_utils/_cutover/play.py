# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a step hands over to its guard, so that another ansible-playbook unfreezes as this one would.

It is what was declared: the command line, the keywords of the task that includes the role, extra variables and
``drs_cutover_unfreeze_vars``. Nothing is read out of the memory of the play.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible import context
from ansible.errors import AnsibleError
from ansible.utils.vars import load_extra_vars

from .._files import is_there
from .._guard.protocol import Handover
from .._guard.unfreeze import yaml_text

try:
    # From ansible-core 2.19 on only what is marked is a template.
    from ansible.template import is_trusted_as_template
except ImportError:
    from ansible.utils.unsafe_proxy import AnsibleUnsafe

    def is_trusted_as_template(value: object) -> bool:
        return not isinstance(value, AnsibleUnsafe)


_OURS = "_drs_cutover_"
# Options of the command line that name a file.
_WITH_FILE = ("private_key_file", "become_password_file", "connection_password_file")
# Keywords of the task that change how and where the unfreeze tasks run: of a play, and of a block.
_PLAY_KEYWORDS = (
    "become",
    "become_user",
    "become_method",
    "become_flags",
    "become_exe",
    "connection",
    "remote_user",
    "port",
)
_BLOCK_KEYWORDS = ("delegate_to", "delegate_facts", "no_log", "tags")
# Passwords: the option of the command line that asks for one, where it is then, and its variable.
_TYPED = (("become_ask_pass", "become_pass", "ansible_become_password"), ("ask_pass", "password", "ansible_password"))
_WITH_VALUE = {
    "private_key_file": "--private-key",
    "remote_user": "--user",
    "connection": "--connection",
    "timeout": "--timeout",
    "ssh_common_args": "--ssh-common-args",
    "sftp_extra_args": "--sftp-extra-args",
    "scp_extra_args": "--scp-extra-args",
    "ssh_extra_args": "--ssh-extra-args",
    "become_method": "--become-method",
    "become_user": "--become-user",
    "become_password_file": "--become-password-file",
    "connection_password_file": "--connection-password-file",
}


def handover(
    action: Any,
    task_vars: Mapping[str, Any],
    environment: Mapping[str, str],
    unfreeze_vars: Mapping[str, Any],
    folder: str,
) -> Handover:
    """Return what the guard of this step unfreezes with; ``folder`` is that of the playbook."""
    task = action._task
    values: dict[str, Any] = {**load_extra_vars(action._loader), **unfreeze_vars}
    for asked, option, name in _TYPED:
        typed = getattr(action._play_context, option, None)
        if typed and name not in values and context.CLIARGS.get(asked):
            # It was typed at a prompt of the run, where nobody can type it again.
            values[name] = str(typed)
    play: dict[str, Any] = {}
    if environment:
        values[f"{_OURS}environment"] = dict(environment)
        play["environment"] = f"{{{{ {_OURS}environment }}}}"
    if defaults := _module_defaults(task, action._templar, values):
        play["module_defaults"] = defaults
    for keyword in _PLAY_KEYWORDS:
        value = getattr(task, keyword, None)
        if value not in (None, ""):
            play[keyword] = value if isinstance(value, (bool, int)) else str(value)
    if collections := getattr(task, "collections", None):
        play["collections"] = [str(name) for name in collections]
    block = {
        keyword: [str(entry) for entry in value] if isinstance(value, (list, tuple)) else value
        for keyword in _BLOCK_KEYWORDS
        if (value := getattr(task, keyword, None))
    }
    parents = task_vars.get("ansible_parent_role_paths") or []
    role, config = str(parents[0]) if parents else "", str(task_vars.get("ansible_config_file") or "")
    return Handover(
        options=_options(),
        folder=folder,
        config=config,
        play=play,
        block=block,
        variables={str(name): yaml_text(value, is_trusted_as_template) for name, value in values.items()},
        role=role,
        temporary=_temporary(folder, config, role),
    )


def typed_vault_password() -> bool:
    """Tell whether a vault password was typed at a prompt: it cannot be handed over."""
    given = context.CLIARGS
    return bool(given.get("ask_vault_pass")) or any(_is_typed(str(vault)) for vault in given.get("vault_ids") or ())


def left_out() -> str:
    """Return the option of the command line with which Ansible may leave out a stage, empty if there is none."""
    given = context.CLIARGS
    return "--step" if given.get("step") else "--start-at-task" if given.get("start_at_task") else ""


def _is_typed(vault: str) -> bool:
    return vault.endswith(("@prompt", "@prompt_ask_vault_pass"))


def _module_defaults(task: Any, templar: Any, values: dict[str, Any]) -> list[dict[str, str]]:
    """Return the keyword with names of actions and, for their values, names of variables."""
    merged: dict[str, Any] = {}
    for defaults in task.module_defaults or ():
        for action, template in defaults.items():
            arguments = _evaluated(template, templar)
            merged[action] = {**merged.get(action, {}), **arguments} if isinstance(arguments, Mapping) else arguments
    keyword = {}
    for number, (action, arguments) in enumerate(merged.items()):
        values[f"{_OURS}d_{number}"] = arguments
        keyword[str(action)] = f"{{{{ {_OURS}d_{number} }}}}"
    return [keyword] if keyword else []


def _evaluated(template: Any, templar: Any) -> Any:
    """Return a value as it is here, where the variables of the play are known; as it was written if it needs others, such as an item."""
    try:
        return templar.template(template)
    except AnsibleError:
        return template


def _options() -> list[str]:
    """Return the command line for the same inventory, connections and vaults."""
    given = context.CLIARGS
    # In one word each: a value may begin with a dash.
    options = [f"--inventory={source}" for source in given.get("inventory") or ()]
    options += [f"{option}={given[name]}" for name, option in _WITH_VALUE.items() if given.get(name) not in (None, "")]
    for name, option in (("tags", "--tags"), ("skip_tags", "--skip-tags"), ("module_path", "--module-path")):
        options += [f"{option}={value}" for value in given.get(name) or ()]
    if given.get("become"):
        options.append("--become")
    options += [f"--vault-id={vault}" for vault in given.get("vault_ids") or () if not _is_typed(str(vault))]
    options += [f"--vault-password-file={path}" for path in given.get("vault_password_files") or ()]
    return options


def _temporary(*paths: str) -> list[str]:
    """Return which of these paths, and of those of the command line, lie in a folder for temporary files."""
    given = context.CLIARGS
    named = [*paths, *(str(given[name]) for name in _WITH_FILE if given.get(name))]
    named += map(str, [*(given.get("inventory") or ()), *(given.get("vault_password_files") or ())])
    folders = {Path(folder).resolve() for folder in (tempfile.gettempdir(), "/tmp", "/var/tmp")}
    # An inventory may be a list of hosts, and longer than the name of any file.
    needed = {Path(path).absolute() for path in named if path and is_there(path)}
    found = sorted(path for path in needed if folders & set(path.resolve().parents))
    return [str(path) for path in found if not set(path.parents) & set(found)]


def folder_of(task_vars: Mapping[str, Any]) -> str:
    """Return the folder that the user's files are named from: that of the playbook, or, of one of this collection, where it was started."""
    playbook = Path(str(task_vars["playbook_dir"]))
    return str(Path.cwd()) if playbook.resolve() == Path(__file__).resolve().parents[3] / "playbooks" else str(playbook)
