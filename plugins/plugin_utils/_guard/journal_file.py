# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal of a cutover as a file: it is either the old one or the whole new one, even after a power cut."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ...module_utils._cutover.journal_json import decode, encode
from ...module_utils._cutover.stages import Journal
from ...module_utils._job.errors import configuration_error
from .._files import write_whole


def read(path: Path) -> Journal | None:
    """Return the journal in a file, None if there is no such file.

    Raises :class:`DrsError` of kind ``configuration`` for a file that is damaged or something else.
    """
    try:
        return decode(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise configuration_error(
            f"{path} is not the journal of a cutover ({why}). Nothing runs, because nobody knows what an earlier run did. "
            "Find that out, then remove the file or set another drs_cutover_state_file."
        ) from None


def write(path: Path, journal: Journal, at: float) -> None:
    """Replace the journal by a whole new file, file and folder synced. Raises :class:`OSError`."""
    content = json.dumps(encode(journal, at), indent=1).encode()
    path = write_whole(path, content, 0o600)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
