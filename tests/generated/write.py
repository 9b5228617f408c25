# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what derives from documentation: nox -s generate."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.cutover.drs.tests.generated import role_options, schema


def stale() -> dict[Path, str]:
    """Return the files that are out of date, with the content that they should have."""
    wanted = {**role_options.files(), **schema.files()}
    return {path: text for path, text in wanted.items() if path.read_text(encoding="utf-8") != text}


if __name__ == "__main__":
    for path, text in stale().items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
