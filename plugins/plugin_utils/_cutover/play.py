# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a play hands over to the guard: its variables, keywords and command line, as text for another ansible-playbook."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ansible import context
from ansible.utils.vars import load_extra_vars

try:
    # From ansible-core 2.19 on only what is marked is a template.
    from ansible.template import is_trusted_as_template
except ImportError:
    from ansible.utils.unsafe_proxy import AnsibleUnsafe

    def is_trusted_as_template(value: object) -> bool:
        return not isinstance(value, AnsibleUnsafe)


# What Ansible makes itself in every run, or for a task alone.
_MAGIC = frozenset(
    [
        "ansible_check_mode",
        "ansible_collection_name",
        "ansible_config_file",
        "ansible_delegated_vars",
        "ansible_dependent_role_names",
        "ansible_diff_mode",
        "ansible_facts",
        "ansible_failed_result",
        "ansible_failed_task",
        "ansible_forks",
        "ansible_index_var",
        "ansible_inventory_sources",
        "ansible_limit",
        "ansible_local",
        "ansible_loop",
        "ansible_loop_var",
        "ansible_module_compression",
        "ansible_parent_role_names",
        "ansible_parent_role_paths",
        "ansible_play_batch",
        "ansible_play_hosts",
        "ansible_play_hosts_all",
        "ansible_play_name",
        "ansible_play_role_names",
        "ansible_playbook_python",
        "ansible_role_name",
        "ansible_role_names",
        "ansible_run_tags",
        "ansible_search_path",
        "ansible_skip_tags",
        "ansible_verbosity",
        "ansible_version",
        "environment",
        "group_names",
        "groups",
        "hostvars",
        "inventory_dir",
        "inventory_file",
        "inventory_hostname",
        "inventory_hostname_short",
        "item",
        "omit",
        "play_hosts",
        "playbook_dir",
        "role_name",
        "role_names",
        "role_path",
        "role_uuid",
        "vars",
    ]
)
_OURS = "_drs_cutover_"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNPRINTABLE = re.compile("[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEMPLATE = ("{{", "{%", "{#")
# Keywords of a play, block or task that change how, where and whether the unfreeze tasks run.
_KEYWORDS = (
    "become",
    "become_user",
    "become_method",
    "become_flags",
    "become_exe",
    "connection",
    "remote_user",
    "port",
)
# Those of them that a play does not take, or would not pass on.
_BLOCK_KEYWORDS = ("delegate_to", "delegate_facts", "no_log", "tags")
# The arguments of add_host that do not become variables of the host.
_OF_ADD_HOST = frozenset(["name", "hostname", "host", "groups", "groupname", "group"])
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
    task: Any, play_context: Any, task_vars: Mapping[str, Any], loader: Any, environment: Mapping[str, str], host: str
) -> dict[str, Any]:
    """Return options, folder, playbook and variables for the guard; ``cannot`` names what it has to go without."""
    values: dict[str, Any] = {name: value for name, value in load_extra_vars(loader).items() if _NAME.fullmatch(name)}
    play_variables = {}
    for name, value in _of_the_play(task_vars, host, values).items():
        values[f"{_OURS}v_{name}"] = value
        play_variables[name] = f"{{{{ {_OURS}v_{name} }}}}"
    values[f"{_OURS}environment"] = dict(environment)
    values[f"{_OURS}facts"] = dict(task_vars.get("ansible_facts") or {})
    include = {"ansible.builtin.include_role": {"name": "cutover.drs.drs_cutover", "tasks_from": "recover"}}
    block = {keyword: value for keyword in _BLOCK_KEYWORDS if (value := getattr(task, keyword, None))}
    play: dict[str, Any] = {
        "name": "Unfreeze the source, because the run that froze it cannot",
        "hosts": [host],
        "gather_facts": False,
        "vars": play_variables,
        "environment": f"{{{{ {_OURS}environment }}}}",
        "module_defaults": _module_defaults(task, values),
        "tasks": [{"block": [include], **_plain(block, values)}],
        "handlers": _plain(_handlers(task), values),
    }
    for keyword in _KEYWORDS:
        value = getattr(task, keyword, None)
        if value not in (None, ""):
            play[keyword] = value if isinstance(value, (bool, int)) else str(value)
    if getattr(task, "collections", None):
        play["collections"] = [str(name) for name in task.collections]
    for option, name in (("become_pass", "ansible_become_password"), ("password", "ansible_password")):
        typed = getattr(play_context, option, None)
        if typed and name not in values:
            values[name] = str(typed)
    options, cannot = _options()
    return {
        "options": options,
        "cwd": str(Path.cwd()),
        "playbook_dir": str(task_vars["playbook_dir"]),
        "playbook": json.dumps([*_added_hosts(task_vars, values), play]),
        "variables": _yaml(values),
        "cannot": cannot,
    }


def _handlers(task: Any) -> list[Any]:
    """Return the handlers of the play, as its playbook has them: the unfreeze tasks may notify one."""
    parent = task
    while parent is not None:
        content = getattr(getattr(parent, "_play", None), "_ds", None)
        if isinstance(content, Mapping):
            return list(content.get("handlers") or ())
        parent = getattr(parent, "_parent", None)
    return []


def _plain(content: Any, values: dict[str, Any]) -> Any:
    """Return what a playbook may hold as JSON; a secret, or a text that is not a template, becomes the name of a variable."""
    if content is None or isinstance(content, (bool, int, float)):
        return content
    if isinstance(content, Mapping):
        return {str(name): _plain(entry, values) for name, entry in content.items()}
    if isinstance(content, (list, tuple, set, frozenset)):
        return [_plain(entry, values) for entry in content]
    text = str(content)
    if hasattr(content, "_ciphertext") or (
        any(mark in text for mark in _TEMPLATE) and not is_trusted_as_template(content)
    ):
        name = f"{_OURS}t_{len(values)}"
        values[name] = content
        return f"{{{{ {name} }}}}"
    return text


def _added_hosts(task_vars: Mapping[str, Any], values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a play that adds the hosts which only tasks of this run added: no inventory has them."""
    inventory = getattr(task_vars.get("hostvars"), "_inventory", None)
    added: list[dict[str, Any]] = []
    for host in inventory.get_hosts(ignore_limits=True, ignore_restrictions=True) if inventory is not None else ():
        if host.implicit or host.vars.get("inventory_file"):
            continue
        variable = f"{_OURS}h_{len(added)}"
        groups = [group.name for group in host.get_groups() if group.name not in ("all", "ungrouped")]
        own = {
            name: value
            for name, value in host.vars.items()
            if _NAME.fullmatch(name) and name not in _MAGIC and name not in _OF_ADD_HOST
        }
        values[variable] = {"name": host.name, "groups": groups, "vars": own}
        arguments = {name: f"{{{{ {variable}['vars'].{name} }}}}" for name in own}
        arguments.update(name=f"{{{{ {variable}.name }}}}", groups=f"{{{{ {variable}.groups }}}}")
        missing = f"{variable}.name not in groups['all']"
        added.append({"name": "Add a host", "ansible.builtin.add_host": arguments, "when": missing})
    name = "Add the hosts that the run had added"
    play = {"name": name, "hosts": "localhost", "gather_facts": False, "tags": ["always"], "tasks": added}
    return [play] if added else []


def _of_the_play(task_vars: Mapping[str, Any], host: str, extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that another run would not find by itself: of play, role and tasks, set_fact and register.

    What comes from the inventory is left out: it is read again there, and belongs to one host.
    """
    hostvars = task_vars.get("hostvars")
    known = hostvars.raw_get(host) if hostvars is not None else {}
    manager = getattr(hostvars, "_variable_manager", None)
    set_by_tasks: set[str] = set()
    for cache in ("_nonpersistent_fact_cache", "_vars_cache"):
        set_by_tasks.update((getattr(manager, cache, None) or {}).get(host, {}))
    return {
        name: value
        for name, value in task_vars.items()
        if name not in _MAGIC
        and name not in extra
        and not name.startswith((_OURS, "_ansible_"))
        and _NAME.fullmatch(name)
        and (name in set_by_tasks or name not in known or not _same(value, known[name]))
    }


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def _module_defaults(task: Any, values: dict[str, Any]) -> list[dict[str, str]]:
    """Return the keyword with names of actions and, for their values, names of variables."""
    merged: dict[str, Any] = {}
    for defaults in task.module_defaults or ():
        for action, arguments in defaults.items():
            merged[action] = {**merged.get(action, {}), **arguments} if isinstance(arguments, Mapping) else arguments
    keyword = {}
    for number, (action, arguments) in enumerate(merged.items()):
        values[f"{_OURS}d_{number}"] = arguments
        keyword[str(action)] = f"{{{{ {_OURS}d_{number} }}}}"
    return [keyword] if keyword else []


def _options() -> tuple[list[str], list[str]]:
    """Return the command line for the same inventory, connections and vaults."""
    given = context.CLIARGS
    options: list[str] = []
    for source in given.get("inventory") or ():
        # In one word each: a value may begin with a dash.
        options.append(f"--inventory={source}")
    for name, option in _WITH_VALUE.items():
        if given.get(name) not in (None, ""):
            options.append(f"{option}={given[name]}")
    for name, option in (("tags", "--tags"), ("skip_tags", "--skip-tags"), ("module_path", "--module-path")):
        options += [f"{option}={value}" for value in given.get(name) or ()]
    if given.get("become"):
        options.append("--become")
    prompted = [
        str(vault)
        for vault in given.get("vault_ids") or ()
        if str(vault).endswith(("@prompt", "@prompt_ask_vault_pass"))
    ]
    for vault in given.get("vault_ids") or ():
        if str(vault) not in prompted:
            options.append(f"--vault-id={vault}")
    for path in given.get("vault_password_files") or ():
        options.append(f"--vault-password-file={path}")
    cannot = ["a vault password that was typed at a prompt"] if prompted or given.get("ask_vault_pass") else []
    return options, cannot


def _yaml(value: Any) -> str:
    """Return YAML in the style of JSON, with ``!unsafe`` before each text that looks like a template and is none."""
    if value is None or isinstance(value, (bool, int, float)):
        return "null" if isinstance(value, float) and not math.isfinite(value) else json.dumps(value)
    if hasattr(value, "_ciphertext"):
        # A vaulted value: it is decrypted here, and never a template.
        return f"!unsafe {_text(str(value))}"
    if isinstance(value, Mapping):
        entries = ", ".join(f"{_text(str(name))}: {_yaml(entry)}" for name, entry in value.items())
        return f"{{{entries}}}"
    if isinstance(value, (list, tuple, set, frozenset)) or (
        isinstance(value, Iterable) and not isinstance(value, (str, bytes))
    ):
        return f"[{', '.join(_yaml(entry) for entry in value)}]"
    if isinstance(value, (date, datetime)):
        return _text(str(value))
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    text = str(value)
    template = any(mark in text for mark in _TEMPLATE) and not is_trusted_as_template(value)
    return f"!unsafe {_text(text)}" if template else _text(text)


def _text(text: str) -> str:
    return _UNPRINTABLE.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xD800 <= code < 0xE000:
        # Half a character, as bytes of another encoding come out of a module: no YAML can hold it.
        code = 0xFFFD
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
