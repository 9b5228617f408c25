# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report's file is the old one or the whole new one; and the action plugin that writes them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.action.drs_report import ActionModule
from ansible_collections.cutover.drs.plugins.plugin_utils._files import write_whole
from ansible_collections.cutover.drs.plugins.plugin_utils._report.write import SUFFIXES, write_each
from ansible_collections.cutover.drs.tests.unit.reports.results import configuration_result


def write(path: str, content: str) -> None:
    write_whole(Path(path), content.encode("utf-8"), 0o644)


def test_write_makes_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "report.md"
    write(str(target), "one\n")
    write(str(target), "two é\n")
    assert target.read_text(encoding="utf-8") == "two é\n"
    assert [path.name for path in target.parent.iterdir()] == ["report.md"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o000, 0o644)])
def test_write_obeys_the_umask(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write(str(tmp_path / "report.md"), "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.md").stat().st_mode) == mode


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_other(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.md"
    write(str(target), "old")

    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write(str(target), "new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("there", [True, False], ids=["a report is there", "its folder is missing"])
def test_a_symbolic_link_stays_one_and_the_report_is_where_it_leads(tmp_path: Path, there: bool) -> None:
    target, link = tmp_path / "share" / "report.json", tmp_path / "report.json"
    if there:
        write(str(target), "old")
    link.symlink_to(target)
    assert write_each([str(link)], configuration_result(), "A gate") == ([str(link)], [])
    assert link.is_symlink()
    assert json.loads(target.read_text(encoding="utf-8"))["verdict"] == "error"


def run_task(args: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    """Return what the action plugin returns, without a play around it."""
    task = SimpleNamespace(
        args=args, check_mode=check_mode, async_val=0, action="cutover.drs.drs_report", environment=None, diff=False
    )
    nothing = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    action = ActionModule(task, nothing, SimpleNamespace(check_mode=check_mode), None, None, None)
    return dict(action.run(task_vars={}))


def test_the_task_writes_every_report_and_says_which(tmp_path: Path) -> None:
    paths = [str(tmp_path / "new" / f"gate{number}{suffix}") for number, suffix in enumerate((*SUFFIXES, ".HTML"))]
    outcome = run_task({"result": configuration_result(), "paths": paths, "title": "Orders"})
    assert outcome["changed"] is True
    assert outcome["written"] == paths
    assert outcome["problems"] == []
    assert not outcome["failed"]
    assert "Orders" in Path(paths[0]).read_text(encoding="utf-8")
    assert json.loads(Path(paths[1]).read_text(encoding="utf-8"))["verdict"] == "error"


def test_the_task_writes_nothing_in_check_mode(tmp_path: Path) -> None:
    target = tmp_path / "new" / "gate.md"
    outcome = run_task({"result": configuration_result(), "paths": [str(target)]}, check_mode=True)
    assert outcome["changed"] is True
    assert outcome["written"] == [str(target)]
    assert outcome["msg"] == f"Would write {target}."
    assert list(tmp_path.iterdir()) == []


def test_the_task_tries_the_others_and_names_those_that_failed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    bad, strange, good = (str(tmp_path / name) for name in ("file/gate.md", "gate.pdf", "gate.md"))
    outcome = run_task({"result": configuration_result(), "paths": [bad, strange, good]})
    assert outcome["failed"] is True
    assert outcome["changed"] is True
    assert outcome["written"] == [good]
    assert outcome["problems"] == outcome["warnings"]
    assert [name in said for name, said in zip((bad, strange), outcome["problems"], strict=True)] == [True, True]
    assert outcome["msg"] == " ".join(outcome["problems"])


def test_the_task_with_nothing_to_write_changes_nothing() -> None:
    outcome = run_task({"result": configuration_result(), "paths": []})
    assert outcome["changed"] is False
    assert outcome["written"] == []


def test_a_report_may_have_the_longest_name_in_any_script(tmp_path: Path) -> None:
    report = tmp_path / ("\u5e93" * 83 + ".json")
    assert write_each([str(report)], configuration_result(), "A gate") == ([str(report)], [])
    assert report.is_file()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other users")
def test_a_report_is_not_written_through_the_link_of_another_user(tmp_path: Path) -> None:
    """Planted in a folder such as /tmp it would lead to a file of root's."""
    target, link = tmp_path / "shadow", tmp_path / "report.json"
    target.write_text("root's")
    link.symlink_to(target)
    os.chown(link, 54321, 54321, follow_symlinks=False)
    _written, problems = write_each([str(link)], configuration_result(), "A gate")
    assert problems == [f"The report {link} was not written: {link} is a symbolic link of uid 54321."]
    assert target.read_text() == "root's"
    assert link.is_symlink()


def test_a_report_does_not_replace_a_device(tmp_path: Path) -> None:
    link = tmp_path / "report.json"
    link.symlink_to("/dev/null")
    _written, problems = write_each([str(link)], configuration_result(), "A gate")
    assert problems == [f"The report {link} was not written: /dev/null is not a regular file."]
