# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The settings of Sphinx: nox -s docs. Nothing is fetched: references to the documentation of Ansible itself go by an
# inventory that is made here, from the names that the pages use.

import re
import zlib
from pathlib import Path

project = title = html_short_title = "cutover.drs"
copyright = "2026, the cutover.drs authors"  # noqa: A001
extensions = ["sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/projects/ansible/latest/", "../ansible.inv")}
default_role = "any"
nitpicky = True
# The variables of the logins are those of options that ansible-core does not read itself, so this page would name none.
exclude_patterns = ["collections/environment_variables.rst"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_theme = "sphinx_ansible_theme"
html_theme_options = {"documentation_home_url": "https://github.com/cutover-drs/cutover.drs", "topbar_links": None}
html_css_files = ["narrow.css"]
html_static_path = ["static"]
html_show_sphinx = html_use_modindex = html_use_index = html_copy_source = False

INVENTORY_HEAD = b"""\
# Sphinx inventory version 2
# Project: Ansible
# Version: latest
# The remainder is compressed using zlib.
"""

_TO_ANSIBLE = re.compile(r"<(ansible_collections\.ansible\.builtin\.(\w+)_(module|lookup|filter|test))[>_]")
_REFERENCE = re.compile(r":ref:`[^`]*<([\w.-]+)>`")
# Pages of Ansible's own documentation that the generated pages point to.
_PAGES = {
    "action_plugins": "plugins/action.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}


def write_inventory() -> None:
    """Write the part of Ansible's inventory that the pages need, in the format of Sphinx."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in Path("rst").rglob("*.rst"))
    labels = {
        name: f"collections/ansible/builtin/{plugin}_{kind}.html" for name, plugin, kind in _TO_ANSIBLE.findall(text)
    }
    for name in _REFERENCE.findall(text):
        found = _TO_ANSIBLE.match(f"<{name}>")
        if found:
            labels[name] = f"collections/ansible/builtin/{found[2]}_{found[3]}.html"
    labels.update(_PAGES)
    lines = "".join(f"{name} std:label -1 {page}# {name}\n" for name, page in sorted(labels.items()))
    Path("ansible.inv").write_bytes(INVENTORY_HEAD + zlib.compress(lines.encode()))


write_inventory()
