# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the archive of a collection once more, with the same contents on every machine for the same commit.

ansible-galaxy lists files in the order in which the file system has them, and keeps their times; so what it built is
written once more, in the order of the names and with the time of the commit.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path


def repack(built: Path, target: Path, time: int) -> str:
    """Write the archive once more; its SHA-256."""
    with tarfile.open(built) as archive:
        entries = {entry.name: (entry, archive.extractfile(entry)) for entry in archive.getmembers()}
        contents = {name: stream.read() for name, (_entry, stream) in entries.items() if stream}
    files = json.loads(contents["FILES.json"])
    files["files"].sort(key=lambda file: file["name"])
    contents["FILES.json"] = json.dumps(files, indent=1).encode()
    manifest = json.loads(contents["MANIFEST.json"])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(contents["FILES.json"]).hexdigest()
    contents["MANIFEST.json"] = json.dumps(manifest, indent=1).encode()
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        # These two first, as ansible-galaxy has them.
        for name in ("MANIFEST.json", "FILES.json", *sorted(entries.keys() - {"MANIFEST.json", "FILES.json"})):
            entry = tarfile.TarInfo(name)
            old = entries[name][0]
            entry.type, entry.linkname, entry.mtime = old.type, old.linkname, time
            entry.mode = 0o755 if old.isdir() or old.mode & 0o100 else 0o644
            entry.size = len(contents.get(name, b""))
            archive.addfile(entry, io.BytesIO(contents[name]) if name in contents else None)
    # Neither the time nor the name of the file.
    packed = gzip.compress(plain.getvalue(), compresslevel=9, mtime=0)
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(packed)
    return hashlib.sha256(packed).hexdigest()
