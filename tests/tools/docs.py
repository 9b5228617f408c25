# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site into build/docs, with every warning an error, and check the links inside it.

Nothing is fetched: references to the documentation of Ansible itself go by an inventory that is made here, from the
names that the pages use.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from checkout import CACHE, CHECKOUT, collections_path, environment, variables

SITE = CACHE / "site"
OUTPUT = CHECKOUT / "build" / "docs"
ANSIBLE_DOCS = "https://docs.ansible.com/projects/ansible/latest/"
HOME = "https://github.com/cutover-drs/cutover.drs"
BLOB = f"{HOME}/blob/main/"
INDEX = """\
.. _docsite_root_index:

cutover.drs
===========

A gate for database cutovers with the Data Replication Service (DRS) of Huawei Cloud and Open Telekom Cloud:
read the migration jobs, wait for them, and switch only on evidence.

The `README <{blob}README.md>`_ has a first playbook for each way to log in.

.. toctree::
   :maxdepth: 3

   Guides, plugins and roles <collections/cutover/drs/index>
   Environment variables <collections/environment_variables>
"""

SETTINGS = """
# Added by tests/tools/docs.py
html_short_title = title = "cutover.drs"
intersphinx_mapping = {{"ansible": ("{ansible}", "../ansible.inv")}}
html_css_files = ["narrow.css"]
html_static_path = ["static"]
html_theme_options = {{"documentation_home_url": "{home}", "topbar_links": None}}
"""

# On a phone: code and tables scroll by themselves and do not widen the page, code is not wrapped, long names may break.
CSS = """\
.wy-nav-content { max-width: 60rem; }
.rst-content .docutils.literal { overflow-wrap: anywhere; }
.rst-content table .docutils.literal { overflow-wrap: break-word; }
.rst-content table.docutils td { vertical-align: top; }
.rst-content div[class^="highlight"] pre { white-space: pre; overflow-x: auto; }
.wy-table-responsive { overflow-x: auto; }
.wy-table-responsive table td, .wy-table-responsive table th { white-space: normal !important; min-width: 6rem; }
"""

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


def run(*command: str, **settings: str) -> None:
    """Run a program of the environment; its output is shown only when it fails."""
    program = [str(environment() / "bin" / "python"), str(environment() / "bin" / command[0]), *command[1:]]
    done = subprocess.run(
        program,
        cwd=SITE,
        env=variables(ANSIBLE_COLLECTIONS_PATH=str(collections_path()), NO_COLOR="1", **settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}\n{command[0]} failed with exit code {done.returncode}")


def write_inventory() -> None:
    """The part of Ansible's inventory that the pages need, in the format of Sphinx."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in (SITE / "rst").rglob("*.rst"))
    labels = {
        name: f"collections/ansible/builtin/{plugin}_{kind}.html" for name, plugin, kind in _TO_ANSIBLE.findall(text)
    }
    for name in _REFERENCE.findall(text):
        found = _TO_ANSIBLE.match(f"<{name}>")
        if found:
            labels[name] = f"collections/ansible/builtin/{found[2]}_{found[3]}.html"
    labels.update(_PAGES)
    lines = "".join(f"{name} std:label -1 {page}# {name}\n" for name, page in sorted(labels.items()))
    (SITE / "ansible.inv").write_bytes(INVENTORY_HEAD + zlib.compress(lines.encode()))


class Page(HTMLParser):
    """The anchors of a page and the links on it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors.update(name for name in (given.get("id"), given.get("name")) if name)
        self.links += [link for link in (given.get("href"), given.get("src")) if link]


def broken_links(root: Path) -> list[str]:
    """Links of the site that lead nowhere inside it, or to a file that the repository does not have."""
    pages = {path: Page(path) for path in sorted(root.rglob("*.html"))}
    problems = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if link.startswith(BLOB):
                target = CHECKOUT / unquote(parts.path).partition("/blob/main/")[2]
                fine = target.exists()
            elif parts.scheme or parts.netloc:
                continue
            else:
                target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
                target = target / "index.html" if target.is_dir() else target
                anchor = unquote(parts.fragment)
                fine = target.exists() and (not anchor or target not in pages or anchor in pages[target].anchors)
            if not fine:
                problems.append(f"{path.relative_to(root)}: {link}")
    return problems


def main() -> int:
    shutil.rmtree(SITE, ignore_errors=True)
    # antsibull-docs wants a folder that nobody else can write to.
    SITE.mkdir(parents=True, mode=0o700)
    given = {"--project": "cutover.drs", "--title": "cutover.drs", "--copyright": "2026, the cutover.drs authors"}
    options = [word for pair in given.items() for word in pair]
    run("antsibull-docs", "sphinx-init", "--use-current", "--dest-dir", str(SITE), *options, "cutover.drs")
    (SITE / "rst" / "index.rst").write_text(INDEX.format(blob=BLOB), encoding="utf-8")
    (SITE / "static").mkdir()
    (SITE / "static" / "narrow.css").write_text(CSS, encoding="utf-8")
    with (SITE / "conf.py").open("a", encoding="utf-8") as settings:
        settings.write(SETTINGS.format(ansible=ANSIBLE_DOCS, home=HOME))
    (SITE / "rst").chmod(0o700)
    strict = ("--cleanup", "everything", "--use-current", "--fail-on-error", "--dest-dir", "rst")
    run("antsibull-docs", "--config-file", "antsibull-docs.cfg", "collection", *strict, "cutover.drs")
    # antsibull-docs takes the texts of a collection, not their images.
    guides = SITE / "rst" / "collections" / "cutover" / "drs" / "docsite"
    shutil.copytree(CHECKOUT / "docs" / "docsite" / "rst" / "images", guides / "images")
    write_inventory()
    run("sphinx-build", "-M", "html", "rst", "build", "-c", ".", "-W", "--keep-going", "-j", "auto")
    shutil.rmtree(OUTPUT, ignore_errors=True)
    shutil.copytree(SITE / "build" / "html", OUTPUT)
    problems = broken_links(OUTPUT)
    for problem in problems:
        print(f"broken link: {problem}", file=sys.stderr)
    pages = len(list(OUTPUT.rglob("*.html")))
    print(f"{pages} pages in {OUTPUT.relative_to(CHECKOUT)}/, {len(problems)} broken links")
    return 1 if problems or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
