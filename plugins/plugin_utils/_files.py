# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file that is either the old one or the whole new one, even after a crash: the journal, and every report."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int) -> Path:
    """Replace a file, with this mode less the umask; its folders are made. Return the file that a symbolic link means.

    Raises :class:`OSError`; nothing is left behind then.
    """
    # Who reads it may know it by its own name, not by that of the link.
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, since only there the renaming is one step. The suffix is not that of the
    # file: what collects *.prom must not see half a file.
    temporary = target.parent / f".{target.name[:100]}.{secrets.token_hex(8)}"
    # By os.open and not tempfile, which takes 0600: other programs read reports.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    return target
