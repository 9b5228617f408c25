# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal in a file: who wins under every interleaving, whom it trusts, and what it says."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils import _files
from ansible_collections.cutover.drs.plugins.plugin_utils._guard import journal_file
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.journal_file import FileStore
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.lease import TookTooLongError
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import (
    Held,
    LostError,
    StoreError,
    open_store,
)

A, B, C = (letter * 16 for letter in "abc")
OTHER = 54321


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(str(tmp_path / "cutover.json"))


def versions(tmp_path: Path) -> list[int]:
    return sorted(int(path.name) for path in (tmp_path / ".cutover.json.d").iterdir() if path.name.isdigit())


def test_a_path_is_a_file(tmp_path: Path) -> None:
    assert isinstance(open_store(str(tmp_path / "x"), ["j1"])._store, FileStore)


def test_without_a_file_there_is_no_journal_and_reading_makes_none(store: FileStore, tmp_path: Path) -> None:
    assert store.read() is None
    assert not [*tmp_path.iterdir()]


def test_the_journal_is_readable_json_with_version_owner_and_epoch(store: FileStore, tmp_path: Path) -> None:
    held = store.take({"stage": "approach", "jobs": ["j1"]}, A, None)
    store.replace({"stage": "freeze", "jobs": ["j1"]}, held)
    shown = json.loads((tmp_path / "cutover.json").read_text())
    assert shown == {"stage": "freeze", "jobs": ["j1"], "version": 2, "token": A, "epoch": 1}


def test_a_journal_that_is_removed_leaves_no_file(store: FileStore, tmp_path: Path) -> None:
    store.remove(store.take({}, A, None))
    assert not (tmp_path / "cutover.json").exists()


def test_a_beginning_that_another_one_overtakes_is_lost(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    make = journal_file._Place.make

    def overtaken(place: Any) -> None:
        make(place)
        monkeypatch.setattr(journal_file._Place, "make", make)
        FileStore(store.name).take({"jobs": ["j2"]}, B, None)

    monkeypatch.setattr(journal_file._Place, "make", overtaken)
    with pytest.raises(LostError):
        store.take({"jobs": ["j1"]}, A, None)
    held = store.read()
    assert held is not None
    assert held.token == B


def test_who_removes_the_journal_begins_anew_and_numbers_go_on(store: FileStore, tmp_path: Path) -> None:
    old = store.take({"n": 1}, A, None)
    (tmp_path / "cutover.json").unlink()
    assert store.read() is None
    new = store.take({"n": 2}, B, None)
    assert (new.version, new.epoch) == (2, 2)
    with pytest.raises(LostError):
        store.replace({"n": 3}, old)


def test_an_owner_that_lives_brings_its_journal_back(store: FileStore, tmp_path: Path) -> None:
    held = store.take({"n": 1}, A, None)
    (tmp_path / "cutover.json").unlink()
    assert store.renew(held) == store.read()


def test_a_folder_that_is_away_is_not_another_owner(store: FileStore, tmp_path: Path) -> None:
    """A share that is not mounted for a moment: nobody else has the journal, and nobody may go on either."""
    held = store.take({}, A, None)
    (tmp_path / "cutover.json").unlink()
    (tmp_path / ".cutover.json.d").rename(tmp_path / "away")
    for attempt in (lambda: store.renew(held), lambda: store.replace({}, held), lambda: store.remove(held)):
        with pytest.raises(StoreError, match="is gone"):
            attempt()
    assert [path.name for path in tmp_path.iterdir()] == ["away"]


def test_a_journal_that_was_copied_goes_on_from_its_version(store: FileStore, tmp_path: Path) -> None:
    held = store.replace({"n": 2}, store.take({"n": 1}, A, None))
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "cutover.json").write_bytes((tmp_path / "cutover.json").read_bytes())
    copy = FileStore(str(tmp_path / "copy" / "cutover.json"))
    assert copy.read() == held
    assert copy.take({"n": 3}, B, copy.read()) == Held({"n": 3}, 3, B, 2, 0, None)


def test_a_journal_newer_than_its_folder_is_not_believed(store: FileStore, tmp_path: Path) -> None:
    store.take({}, A, None)
    other = {"version": 7, "token": B, "epoch": 3}
    (tmp_path / "cutover.json").unlink()
    (tmp_path / "cutover.json").write_text(json.dumps(other))
    with pytest.raises(
        StoreError, match=r"is version 7, and the newest in .* is 1: one of them was copied or restored"
    ):
        store.read()


def test_a_journal_older_than_its_folder_is_followed_forward(store: FileStore, tmp_path: Path) -> None:
    """A slow owner, or a power cut: the name of the journal is behind."""
    store.take({"n": 1}, A, None)
    old = (tmp_path / "cutover.json").read_bytes()
    held = store.replace({"n": 2}, Held({"n": 1}, 1, A, 1, 0, None))
    (tmp_path / "cutover.json").unlink()
    (tmp_path / "cutover.json").write_bytes(old)
    assert store.read() == held


def test_what_a_cutover_leaves_behind_is_bounded_and_nothing_is_half_made(store: FileStore, tmp_path: Path) -> None:
    held = store.take({}, A, None)
    for number in range(40):
        held = store.renew(store.replace({"n": number}, held))
    store.acknowledge(C, {})
    store.release(held)
    names = sorted(int(path.name) for path in (tmp_path / ".cutover.json.d").iterdir())
    assert names == [*range(26, 42)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".cutover.json.d", "cutover.json"]


def test_a_suspended_owner_of_versions_that_are_gone_wins_nothing(store: FileStore, tmp_path: Path) -> None:
    old = held = store.take({}, A, None)
    held = store.take({}, B, old)
    for number in range(40):
        held = store.replace({"n": number}, held)
    with pytest.raises(LostError):
        store.replace({"n": "stale"}, old)
    assert store.read() == held


def test_files_that_were_left_half_made_are_removed_a_day_later(store: FileStore, tmp_path: Path) -> None:
    held = store.take({}, A, None)
    for name, age in (("old.new", 100_000), (f"{C}.watch", 100_000), ("young.new", 10)):
        path = tmp_path / ".cutover.json.d" / name
        path.write_text("{")
        path.chmod(0o600)
        at = path.stat().st_mtime - age
        os.utime(path, (at, at))
    store.replace({}, held)
    left = {path.name for path in (tmp_path / ".cutover.json.d").iterdir() if not path.name.isdigit()}
    assert left == {"young.new"}


@pytest.mark.parametrize("error", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_will_do(error: int, store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_descriptor: int) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "fsync", fsync)
    assert store.take({}, A, None) == store.read()


def test_a_disk_that_fails_is_an_error(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreError, match=r"cutover\.json cannot be written: Input/output error\."):
        store.take({}, A, None)


def test_without_hard_links_it_says_what_to_choose(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_paths: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(StoreError, match="needs a file system with hard links: choose another folder, or a database"):
        store.take({}, A, None)


def test_a_folder_in_which_names_may_be_made_and_not_changed_is_an_error(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_paths: Path, **_more: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refused)
        patch.setattr(os, "rmdir", refused)
        with pytest.raises(StoreError, match=r"cannot be written: Permission denied\."):
            store.take({}, A, None)


def test_an_answer_that_is_lost_over_a_network_is_settled(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that made the link and whose answer was lost: asked again it says that the file exists."""
    real = os.link

    def link(source: Path, target: Path) -> None:
        real(source, target)
        if Path(target).name.isdigit():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    monkeypatch.setattr(os, "link", link)
    held = store.take({"n": 1}, A, None)
    assert store.read() == held


def test_the_alarm_of_a_caller_passes_and_nothing_is_left(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = store.take({"n": 1}, A, None)

    def link(*_paths: Path) -> None:
        raise TookTooLongError("the alarm")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(TookTooLongError, match="the alarm"):
        store.replace({"n": 2}, held)
    monkeypatch.undo()
    assert store.read() == held
    assert versions(tmp_path) == [0, 1]
    assert not [*(tmp_path / ".cutover.json.d").glob("*.new")]


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", '{"version": 0, "token": "aaaaaaaa", "epoch": 1}', "\0" * 9),
        # The token of an owner is part of the name of a file.
        *(json.dumps({"version": 1, "token": token, "epoch": 1}) for token in ("", "../../x", "A" * 16, "a" * 65)),
    ],
)
def test_something_else_is_never_taken_for_a_journal(content: str, store: FileStore, tmp_path: Path) -> None:
    (tmp_path / "cutover.json").write_text(content)
    for attempt in (store.read, lambda: store.take({}, A, None)):
        with pytest.raises(StoreError, match="is not the journal of a cutover, or is damaged") as told:
            attempt()
        assert "remove" not in str(told.value)
    assert (tmp_path / "cutover.json").read_text() == content


# Whom it trusts. These tests run as root, who may make files of others; as anybody else they say less.

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other users")


def planted(path: Path, uid: int = OTHER) -> None:
    os.chown(path, uid, uid, follow_symlinks=False)


def test_a_journal_is_private_whatever_the_umask(store: FileStore, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        deep = FileStore(str(tmp_path / "a" / "b" / "cutover.json"))
        deep.renew(deep.take({}, A, None))
        deep.acknowledge(C, {})
    finally:
        os.umask(before)
    for path in (tmp_path / "a").rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o022, path
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert deep.read() is not None


@needs_root
@pytest.mark.parametrize(
    "what", ["journal", "folder", "its folder", "version", "link", "folder of the journal is a link"]
)
def test_what_somebody_else_owns_is_refused_and_told_whose_it_is(what: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    path = place / "cutover.json"
    store = FileStore(str(path))
    store.take({"outcome": "done"}, A, None)
    if what == "journal":
        path.unlink()
        path.write_text("{}")
        planted(path)
    elif what == "folder":
        planted(place)
    elif what == "its folder":
        planted(place / ".cutover.json.d")
    elif what == "version":
        (place / ".cutover.json.d" / "2").write_text("{}")
        planted(place / ".cutover.json.d" / "2")
    elif what == "link":
        store = FileStore(str(tmp_path / "link.json"))
        Path(store.name).symlink_to(path)
        planted(Path(store.name))
    else:
        store = FileStore(str(tmp_path / "link" / "cutover.json"))
        (tmp_path / "link").symlink_to(place)
        planted(tmp_path / "link")
    for attempt in (store.read, lambda: store.take({}, B, None)):
        with pytest.raises(StoreError) as told:
            attempt()
        assert f"uid {OTHER}" in str(told.value)
        assert "set drs_cutover_journal to a file in a folder of your own" in str(told.value)
        assert "remove" not in str(told.value)


@pytest.mark.parametrize("what", ["journal", "folder", "its folder", "version"])
def test_what_others_may_write_is_refused(what: str, store: FileStore, tmp_path: Path) -> None:
    store.take({}, A, None)
    folder = tmp_path / ".cutover.json.d"
    path = {"journal": tmp_path / "cutover.json", "folder": tmp_path, "its folder": folder, "version": folder / "1"}[
        what
    ]
    path.chmod(path.stat().st_mode | 0o002)
    with pytest.raises(StoreError, match="may be written by others"):
        store.read()


def test_a_folder_such_as_tmp_will_do(store: FileStore, tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    assert store.take({}, A, None) == store.read()


def test_a_link_of_ones_own_is_followed_and_stays(store: FileStore, tmp_path: Path) -> None:
    link = tmp_path / "links" / "link.json"
    link.parent.mkdir()
    link.symlink_to("../cutover.json")
    held = FileStore(str(link)).take({}, A, None)
    assert link.is_symlink()
    assert store.read() == held


@pytest.mark.parametrize("kind", ["fifo", "folder", "device", "huge"])
def test_what_is_no_regular_file_of_a_bounded_size_is_refused_at_once(
    kind: str, store: FileStore, tmp_path: Path
) -> None:
    path = tmp_path / "cutover.json"
    if kind == "fifo":
        os.mkfifo(path, 0o600)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(1 << 30)
    with pytest.raises(StoreError, match=r"may be written by others|is not a regular file|larger than 1048576 bytes"):
        store.read()


# Every interleaving: real stores on one folder, of which one at a time does its next step.

# Looking for the newest is one step, but for where names are removed meanwhile.
_STEPS = {"coarse": ("newest", "version", "shown"), "fine": ("version", "_names")}


class KnownError(BaseException):
    """Ends an operation: how it goes on from here was seen."""


class Schedule:
    """Runs operations in threads and lets one at a time go on to its next step, in the order told by their numbers."""

    def __init__(self, operations: list[Callable[[], Any]]) -> None:
        self.results: list[Any] = [None] * len(operations)
        # What each has seen so far, which is all that its next step depends on.
        self.seen: list[list[str]] = [[] for _operation in operations]
        self.alive = [True] * len(operations)
        # Whether it came to a state that is known, and so ended there.
        self.known = False
        self._operations = operations
        self._go = [threading.Semaphore(0) for _operation in operations]
        self._waits = threading.Semaphore(0)
        self._number: dict[int, int] = {}

    def run(self, order: tuple[int, ...], folder: Callable[[], Any], known: set[Any]) -> list[tuple[int, ...]]:
        """Carry out the order, and go on, the first one first, to the end or to a state that is known.

        Returns the other orders on that way. Those that lead to the same folder, and in which everybody has seen the
        same, go on alike: that is a state.
        """
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(len(self._operations))]
        for thread in threads:
            thread.start()
            self._waits.acquire()
        for number in order:
            self._step(number)
        others = []
        while any(self.alive) and not self.known:
            state = (folder(), tuple(self.alive), tuple(map(tuple, self.seen)))
            self.known = state in known
            known.add(state)
            first, *rest = (number for number, alive in enumerate(self.alive) if alive)
            if not self.known:
                others += [(*order, number) for number in rest]
                order = (*order, first)
                self._step(first)
        for number, thread in enumerate(threads):
            if self.alive[number]:
                self._step(number)
            thread.join()
        return others

    def _step(self, number: int) -> None:
        self._go[number].release()
        self._waits.acquire()

    def _work(self, number: int) -> None:
        self._number[threading.get_ident()] = number
        try:
            self.pause()
            self.results[number] = self._operations[number]()
        except (Exception, KnownError) as error:
            self.results[number] = error
        self.alive[number] = False
        self._waits.release()

    def pause(self) -> None:
        """Wait for the turn of the thread that calls this."""
        number = self._number.get(threading.get_ident())
        if number is not None:
            self.seen[number].append("")
            if not self.known:
                self._waits.release()
                self._go[number].acquire()
            if self.known:
                raise KnownError

    def note(self, what: str) -> None:
        """Remember what the thread that calls this has seen."""
        number = self._number.get(threading.get_ident())
        if number is not None:
            self.seen[number].append(re.sub(r"[0-9a-f]{16}", "*", what))


@pytest.fixture
def stepped(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> list[Schedule]:
    """Stop before each look at the folder, and before each change of it."""
    current: list[Schedule] = []
    within = threading.local()

    def at(owner: Any, name: str, matters: Callable[..., bool]) -> None:
        real = getattr(owner, name)

        def step(*arguments: Any, **named: Any) -> Any:
            if not current or getattr(within, "step", False) or not matters(*arguments):
                return real(*arguments, **named)
            current[0].pause()
            within.step = True
            try:
                result = real(*arguments, **named)
            except OSError as error:
                current[0].note(f"{name}{arguments[1:]}: {error.errno}")
                raise
            finally:
                within.step = False
            current[0].note(f"{name}{arguments[1:]}: {sorted(result) if isinstance(result, list) else result}")
            return result

        monkeypatch.setattr(owner, name, step)

    def always(*_arguments: Any) -> bool:
        return True

    for name in _STEPS[getattr(request, "param", "coarse")]:
        at(journal_file._Place, name, always)
    at(os, "link", always)
    at(Path, "replace", always)
    at(Path, "unlink", lambda path, *_missing: path.name.isdigit() or path.suffix == ".json")
    monkeypatch.setattr(_files, "sync", lambda _descriptor: None)
    monkeypatch.setattr(journal_file, "sync_folder", lambda _folder: None)
    return current


def folder_of(path: Path) -> tuple[tuple[str, bytes], ...]:
    """All that stores could see: the versions and the journal."""
    files = [path, *path.parent.glob(f".{path.name}.d/*")]
    return tuple(sorted((file.name, file.read_bytes()) for file in files if file.exists() and file.suffix != ".new"))


def every_interleaving(
    stepped: list[Schedule],
    tmp_path: Path,
    before: Callable[[FileStore], Any],
    operations: list[Callable[[FileStore, Any], Any]],
) -> Iterator[tuple[FileStore, list[Any]]]:
    """Carry out the operations in every order of their steps, each with a store of its own; yield how each ended."""
    known: set[Any] = set()
    orders: list[tuple[int, ...]] = [()]
    place = tmp_path / "place"
    while orders:
        order = orders.pop()
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        path = place / "cutover.json"
        begun = before(FileStore(str(path)))
        stores = [FileStore(str(path)) for _operation in operations]
        runs = [
            lambda run=run, store=store, begun=begun: run(store, begun)
            for run, store in zip(operations, stores, strict=True)
        ]
        schedule = Schedule(runs)
        stepped[:] = [schedule]
        orders += schedule.run(order, lambda path=path: folder_of(path), known)
        stepped.clear()
        if not schedule.known:
            yield FileStore(str(path)), schedule.results


def switch(store: FileStore, begun: Held) -> Held:
    return store.replace({"decided": "switch"}, begun)


def unfreeze(token: str) -> Callable[[FileStore, Held], Held]:
    return lambda store, begun: store.take({"decided": "unfreeze"}, token, begun)


def frozen(store: FileStore) -> Held:
    return store.take({"stage": "freeze"}, A, None)


@pytest.mark.parametrize(
    "operations",
    [
        [switch, unfreeze(B)],
        [unfreeze(B), unfreeze(C)],
        [switch, lambda store, begun: store.remove(begun)],
        pytest.param([switch, unfreeze(B), unfreeze(C)], marks=pytest.mark.thorough),
    ],
    ids=["switch and unfreeze", "two that unfreeze", "switch and remove", "switch and two that unfreeze"],
)
def test_under_every_interleaving_one_successor_wins(
    operations: list[Any], stepped: list[Schedule], tmp_path: Path
) -> None:
    runs = 0
    for store, results in every_interleaving(stepped, tmp_path, frozen, operations):
        runs += 1
        lost = [result for result in results if isinstance(result, LostError)]
        won = [result for result in results if result not in lost]
        assert (len(lost), len(won)) == (len(results) - 1, 1), results
        assert store.read() == won[0]
        shown = Path(store.name)
        assert shown.exists() == (won[0] is not None)
        assert won[0] is None or json.loads(shown.read_text())["version"] == won[0].version
    assert runs > 3


@pytest.mark.thorough
def test_under_every_interleaving_two_beginnings_have_one_owner_in_the_end(
    stepped: list[Schedule], tmp_path: Path
) -> None:
    def begin(token: str) -> Callable[[FileStore, None], Held]:
        return lambda store, _begun: store.take({"by": token}, token, None)

    for store, results in every_interleaving(stepped, tmp_path, lambda _store: None, [begin(A), begin(B)]):
        won = [result for result in results if isinstance(result, Held)]
        assert len(won) + sum(isinstance(result, LostError) for result in results) == 2
        assert len({held.version for held in won}) == len({held.epoch for held in won}) == len(won) >= 1
        assert store.read() == max(won, key=lambda held: held.epoch)
        for held in won:
            if held != store.read():
                with pytest.raises(LostError):
                    store.replace({}, held)


@pytest.mark.parametrize("stepped", ["fine"], indirect=True)
def test_under_every_interleaving_a_suspended_owner_wins_nothing_while_old_versions_are_removed(
    stepped: list[Schedule], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_file, "_KEPT", 2)

    def before(store: FileStore) -> tuple[Held, Held]:
        first = store.take({"n": 1}, A, None)
        return first, store.take({"n": 2}, B, first)

    def go_on(store: FileStore, begun: tuple[Held, Held]) -> Held:
        held = begun[1]
        for number in range(2):
            held = store.replace({"n": number}, held)
        return held

    def stale(store: FileStore, begun: tuple[Held, Held]) -> Held:
        return store.replace({"n": "stale"}, begun[0])

    for store, (kept, lost) in every_interleaving(stepped, tmp_path, before, [go_on, stale]):
        assert isinstance(lost, LostError)
        assert isinstance(kept, Held)
        assert (store.read(), kept.version) == (kept, 4)


def test_under_every_interleaving_who_removes_does_not_remove_the_next_journal(
    stepped: list[Schedule], tmp_path: Path
) -> None:
    def remove(store: FileStore, begun: Held) -> None:
        store.remove(begun)

    def begin(store: FileStore, _begun: Held) -> Held:
        return store.take({"by": B}, B, None)

    for store, (removed, begun) in every_interleaving(stepped, tmp_path, frozen, [remove, begin]):
        assert removed is None
        assert begun is None or isinstance(begun, (Held, LostError))
        assert store.read() == (begun if isinstance(begun, Held) else None)
