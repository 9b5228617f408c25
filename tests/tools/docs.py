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

A gate for database cutovers with the Data Replication Service (DRS) of Huawei Cloud and Open Telekom Cloud.
It reads the migration jobs, waits for them, and says with evidence whether the application may switch from the
source to the target.

**Why:** a delay of -1 means "no value" and opens naive loops; the full phase can complete between two polls; a
subtask can still be copying behind a job that has caught up; and a run that dies leaves the source frozen. Here
only the verdict ``ready`` opens the gate, and everything unknown keeps it shut.

.. code-block:: console

   $ ansible-galaxy collection install cutover.drs
   $ python -m pip install requests keystoneauth1
   $ ansible-playbook cutover.drs.gate -e '{{"drs_jobs": ["9a470239-2308-4bb5-a6bc-1040402fjb21"]}}'

The last command takes the login from the environment. Where to go from here:

1. :ref:`A tour in pictures <{guide}tour>`: what it looks like.
2. The `README <{blob}README.md>`_: a first gate in five minutes, on a closed network as well.
3. :ref:`Logging in <{guide}guide_authentication>`: passwords, keys, tokens, ``clouds.yaml``.
4. :ref:`Gating a cutover <{guide}guide_gating>`: when it is safe to switch, and what holds a job.
5. :ref:`The runbook <{guide}guide_runbook>`: a whole cutover, from rehearsal to switch.

If something is not as expected, start with :ref:`troubleshooting <{guide}guide_troubleshooting>`.

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
@media (max-width: 720px) {
  /* A picture of a terminal keeps a size that can be read; it is moved sideways with a finger. */
  .rst-content .picture { display: block; overflow-x: auto; }
  .rst-content .picture img { max-width: none; width: 50rem; }
}
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
    (SITE / "rst" / "index.rst").write_text(
        INDEX.format(blob=BLOB, guide="ansible_collections.cutover.drs.docsite."), encoding="utf-8"
    )
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
