# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive that `make build` makes has the same contents wherever it is made, and can be installed."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / "tests" / "tools"))

import build  # noqa: E402
import checkout  # noqa: E402

FILES = {"README.md": b"# drs\n", "plugins/modules/drs_job_status.py": b"import os\n"}


def built(path: Path, names: Sequence[str], *, time: int, mode: int) -> Path:
    """An archive as ansible-galaxy would make it from a file system with this order, these times and this umask."""
    listed = [{"name": name, "chksum_sha256": hashlib.sha256(FILES[name]).hexdigest()} for name in names]
    files = json.dumps({"files": listed}).encode()
    manifest = {"file_manifest_file": {"name": "FILES.json", "chksum_sha256": hashlib.sha256(files).hexdigest()}}
    contents = {"MANIFEST.json": json.dumps(manifest).encode(), "FILES.json": files}
    contents.update((name, FILES[name]) for name in names)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.mode, entry.mtime, entry.size = mode, time, len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def test_neither_order_nor_times_nor_modes_of_the_files_are_in_it(tmp_path: Path) -> None:
    here = built(tmp_path / "here", list(FILES), time=1, mode=0o644)
    there = built(tmp_path / "there", list(reversed(FILES)), time=2, mode=0o664)
    digests = [build.repack(archive, tmp_path / f"{archive.name}.tar.gz", 3) for archive in (here, there)]
    assert digests[0] == digests[1]
    with tarfile.open(tmp_path / "here.tar.gz") as archive:
        manifest, files = (archive.extractfile(name).read() for name in ("MANIFEST.json", "FILES.json"))  # type: ignore[union-attr]
    named = json.loads(manifest)["file_manifest_file"]["chksum_sha256"]
    assert named == hashlib.sha256(files).hexdigest()


def test_it_can_be_installed_which_checks_every_file(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "nox", "--session", "build"], cwd=CHECKOUT, check=True)
    archive = next((CHECKOUT / "build").glob("cutover-drs-*.tar.gz"))
    # It checks the sum of every file against FILES.json, and that of FILES.json against MANIFEST.json.
    command = [sys.executable, "-m", "ansible", "galaxy", "collection", "install", str(archive), "--offline"]
    nowhere_else = checkout.variables(ANSIBLE_COLLECTIONS_PATH=str(tmp_path))
    subprocess.run([*command, "-p", str(tmp_path)], check=True, capture_output=True, env=nowhere_else)
    installed = tmp_path / "ansible_collections" / "cutover" / "drs"
    listed = [entry["name"] for entry in json.loads((installed / "FILES.json").read_bytes())["files"]]
    assert "plugins/action/drs_job_wait.py" in listed
    assert all((installed / name).exists() for name in listed)
    assert not any(name.startswith((".git", ".venv", "build", "tests/output")) for name in listed)
    # Every playbook is found by its name, which a folder of that name would hide; the demo has all it starts.
    for playbook in (CHECKOUT / "playbooks").glob("*.yml"):
        run = [sys.executable, "-m", "ansible", "playbook", "--list-tasks", f"cutover.drs.{playbook.stem}"]
        done = subprocess.run(run, capture_output=True, text=True, env=nowhere_else, cwd=tmp_path, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert {
        "playbooks/demo_shop/shop.py",
        "simulator/drs_simulator/__main__.py",
        "playbooks/rehearsal/rehearse.py",
    } <= set(listed)
