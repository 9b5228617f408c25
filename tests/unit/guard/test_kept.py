# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unfreeze reads from a temporary folder outlives the run that brought it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._guard import kept
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.kept import Kept


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The folder of a guard."""
    folder = tmp_path / "guard"
    folder.mkdir()
    return folder


def project(tmp_path: Path) -> Path:
    folder = tmp_path / "eda" / "project"
    (folder / "tasks").mkdir(parents=True)
    (folder / "tasks" / "unfreeze.yml").write_text("[]", encoding="utf-8")
    (folder / "key").write_text("secret", encoding="utf-8")
    (folder / "key").chmod(0o600)
    (folder / "link").symlink_to("key")
    (folder / ".git").mkdir()
    (folder / ".git" / "objects").write_text("large", encoding="utf-8")
    return folder


def test_what_was_removed_is_put_back_as_it_was_and_removed_again(tmp_path: Path, own: Path) -> None:
    folder = project(tmp_path)
    copies = Kept([str(folder)], own)
    shutil.rmtree(folder.parent)
    assert copies.put_back() == [folder]
    assert (folder / "tasks" / "unfreeze.yml").read_text(encoding="utf-8") == "[]"
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert (folder / "link").readlink() == Path("key")
    assert not (folder / ".git").exists()
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    copies.remove_again()
    assert not folder.parent.exists()


def test_what_somebody_removes_while_it_is_copied_is_not_missed(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as the journal of an SQLite database beside the playbook, seen in the demo."""
    folder = project(tmp_path)
    left_out = kept._LEFT_OUT
    fleeting = [folder / "tasks" / "counted", folder / "tasks" / "copied"]

    def removed_meanwhile(where: str, names: list[str]) -> set[str]:
        if Path(where) == folder / "tasks":
            fleeting.pop(0).unlink()
        return left_out(where, names)

    for path in fleeting:
        path.touch()
    monkeypatch.setattr(kept, "_LEFT_OUT", removed_meanwhile)
    copies = Kept([str(folder)], own)
    assert fleeting == []
    shutil.rmtree(folder)
    copies.put_back()
    assert sorted(path.name for path in (folder / "tasks").iterdir()) == ["unfreeze.yml"]


def test_half_of_what_was_put_back_does_not_count_as_there(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next attempt would unfreeze with a project that lacks files."""
    folder = project(tmp_path)
    copies = Kept([str(folder)], own)
    shutil.rmtree(folder)

    def full(copy: Path, path: Path, **_more: object) -> None:
        path.mkdir()
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", full)
        with pytest.raises(OSError, match="No space left"):
            copies.put_back()
    assert copies.put_back() == [folder]
    assert (folder / "tasks" / "unfreeze.yml").is_file()


def test_what_is_still_there_is_left_alone(tmp_path: Path, own: Path) -> None:
    folder = project(tmp_path)
    inventory = tmp_path / "hosts"
    inventory.write_text("localhost", encoding="utf-8")
    copies = Kept([str(folder), str(inventory), str(tmp_path / "not there")], own)
    (folder / "key").write_text("another", encoding="utf-8")
    inventory.unlink()
    assert copies.put_back() == [inventory]
    copies.remove_again()
    assert (folder / "key").read_text(encoding="utf-8") == "another"
    assert not inventory.exists()


def test_what_is_too_large_is_refused(tmp_path: Path, own: Path) -> None:
    folder = project(tmp_path)
    with (folder / "dump").open("wb") as file:
        file.truncate(64 * 1024**2)
    with pytest.raises(OSError, match="more than 5000 files or 32 MiB"):
        Kept([str(folder)], own)
