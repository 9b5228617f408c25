# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal in a real database: jobs that journals share, answers that are lost, and what is shown."""

from __future__ import annotations

import multiprocessing
import textwrap
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.cutover.drs.plugins.plugin_utils._guard import journal_database
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.journal_database import DatabaseStore
from ansible_collections.cutover.drs.plugins.plugin_utils._guard.store import (
    BusyError,
    Held,
    LostError,
    StoreError,
    open_store,
)
from ansible_collections.cutover.drs.tests import servers

pytest.importorskip("sqlalchemy")
pytest.importorskip("psycopg")
pytest.importorskip("pymysql")

CHECKOUT = Path(__file__).resolve().parents[3]
A, B, C = (letter * 16 for letter in "abc")
ALIVE = {"lease": 1000, "outcome": None, "frozen_since": None}
DEAD = {**ALIVE, "lease": 0}
FROZEN = {**DEAD, "frozen_since": 1000.0}


@pytest.fixture
def store(url: str, request: pytest.FixtureRequest) -> DatabaseStore:
    """A store of jobs that no other test has."""
    return DatabaseStore(url, jobs_of(request, "1", "2"))


def jobs_of(request: pytest.FixtureRequest, *names: str) -> list[str]:
    return [f"{request.node.name}-{name}" for name in names]


def test_a_url_is_a_database(postgresql: servers.Server) -> None:
    assert isinstance(open_store(postgresql.url, ["j1"])._store, DatabaseStore)


def test_whoever_put_its_token_on_its_jobs_may_try_again_at_once(
    store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a watch does whose first attempt to take over failed between its token and its journal."""
    old = store.take(FROZEN, A, None)

    def went(*_arguments: object, **_values: object) -> Held:
        raise StoreError("The network is away.")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_settled", went)
        with pytest.raises(StoreError):
            store.take(FROZEN, B, old)
    with pytest.raises(LostError):
        store.take(FROZEN, C, old)
    assert store.take(FROZEN, B, old).token == B


def test_the_age_is_that_of_the_last_renewal_by_the_databases_clock(store: DatabaseStore) -> None:
    held = store.take(ALIVE, A, None)
    first = store.read()
    store.renew(held)
    second = store.read()
    assert first is not None
    assert second is not None
    assert first.age is not None
    assert second.age is not None
    assert 0 <= second.age < 60


@pytest.mark.parametrize(
    ("document", "busy"),
    [
        (ALIVE, "which lives"),
        (FROZEN, "which left its source frozen"),
        ({**FROZEN, "outcome": "frozen"}, "which left its source frozen"),
        ({"outcome": None}, "which lives"),
        (DEAD, ""),
        ({**ALIVE, "outcome": "done"}, ""),
        ({**FROZEN, "outcome": "unfrozen"}, ""),
    ],
    ids=["lives", "frozen", "unfreeze failed", "no lease", "dead", "done", "unfrozen"],
)
def test_a_job_has_one_journal_at_a_time(
    document: dict[str, Any], busy: str, url: str, request: pytest.FixtureRequest
) -> None:
    one, two = (DatabaseStore(url, jobs_of(request, *names)) for names in (("1", "2"), ("2", "3")))
    first = one.take(document, A, None)
    if busy:
        with pytest.raises(BusyError, match=busy):
            two.ensure_free()
        with pytest.raises(BusyError, match=busy) as told:
            two.take(ALIVE, B, None)
        assert told.value.document == document
        assert one.renew(first)
        assert DatabaseStore(url, jobs_of(request, "3")).take(ALIVE, C, None)
    else:
        # A look takes nothing away.
        two.ensure_free()
        assert one.renew(first)
        assert two.take(ALIVE, B, None).token == B
        if document["outcome"] is None:
            with pytest.raises(LostError):
                one.renew(first)


def test_an_owner_whose_job_was_taken_may_begin_again_afterwards(url: str, request: pytest.FixtureRequest) -> None:
    one, two = (DatabaseStore(url, jobs_of(request, *names)) for names in (("1", "2"), ("2", "3")))
    one.take(DEAD, A, None)
    two.replace({**ALIVE, "outcome": "done"}, two.take(ALIVE, B, None))
    left = one.read()
    assert left is not None
    assert left.token == ""
    assert one.take(ALIVE, C, left).epoch == 2


@pytest.mark.parametrize("takes_place", [True, False])
@pytest.mark.parametrize("operation", ["take", "replace", "remove"])
def test_an_answer_that_is_lost_is_settled(
    operation: str, takes_place: bool, store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    held = store.take({"n": 1, **ALIVE}, A, None)
    real = DatabaseStore._changed

    def changed(self: DatabaseStore, connection: Any, statement: str, **values: Any) -> bool:
        if "document = " not in statement:
            return real(self, connection, statement, **values)
        if takes_place:
            real(self, connection, statement, **values)
        raise OperationalError("", {}, Exception("the connection is lost"))

    monkeypatch.setattr(DatabaseStore, "_changed", changed)
    run = {
        "take": lambda: store.take({"n": 2}, B, held),
        "replace": lambda: store.replace({"n": 2}, held),
        "remove": lambda: store.remove(held),
    }[operation]
    if takes_place:
        wanted = run()
        monkeypatch.undo()
        read = store.read()
        assert (None if read is None else (read.version, read.document)) == (None if wanted is None else (2, {"n": 2}))
    else:
        with pytest.raises(StoreError, match="the connection is lost"):
            run()


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_a_database_that_is_lost_is_an_error_and_comes_back_with_the_journal(kind: str) -> None:
    try:
        with getattr(servers, kind)() as server:
            store = DatabaseStore(server.url, ["j1"])
            held = store.take(ALIVE, A, None)
            server.stop()
            for attempt in (store.read, lambda: store.renew(held), lambda: store.replace(ALIVE, held)):
                with pytest.raises(StoreError, match=r"The journal's database .* cannot be used: ") as told:
                    attempt()
                shown = "".join(traceback.format_exception(told.value)) + repr(store) + store.name
                assert "s3cret" not in shown
                assert told.value.__context__ is None
            server.start()
            assert store.replace(ALIVE, held).version == 2
    except servers.MissingError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:////tmp/x", r"cannot be in a database of the kind 'sqlite'"),
        ("postgresql://u:s3cret@h/d", r"one of postgresql\+psycopg://, mysql\+pymysql://"),
        ("postgresql+psycopg://u:s3cret@h:port/d", r"is not a URL such as"),
    ],
)
def test_another_url_is_refused_in_one_sentence_without_its_password(url: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as told:
        open_store(url, ["j1"])
    assert "s3cret" not in str(told.value)
    assert told.value.__context__ is None


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"needs the Python packages sqlalchemy and psycopg\[binary\]"):
        open_store("postgresql+psycopg://u:p@h/d", ["j1"])


def test_a_password_that_the_driver_cannot_encode_is_not_shown() -> None:
    """No server is asked: PyMySQL knows the characters of Latin-1 only."""
    with pytest.raises(StoreError) as told:
        DatabaseStore("mysql+pymysql://ann:se%E2%82%ACcret@127.0.0.1:1/orders", ["j1"]).read()
    assert str(told.value) == (
        "The journal's database mysql+pymysql://ann@127.0.0.1:1/orders cannot be used: its driver cannot encode the user name or "
        "the password."
    )
    assert told.value.__context__ is None


def test_a_wrong_password_is_not_shown(postgresql: servers.Server) -> None:
    store = DatabaseStore(postgresql.url.replace("s3cret", "s3cret2"), ["j1"])
    with pytest.raises(StoreError, match="password authentication failed") as told:
        store.read()
    assert "s3cret2" not in "".join(traceback.format_exception(told.value))


def test_tables_of_a_newer_release_are_refused(postgresql: servers.Server) -> None:
    from sqlalchemy import create_engine, text

    DatabaseStore(postgresql.url, ["j1"]).read()
    engine = create_engine(postgresql.url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text("UPDATE drs_cutover_schema SET version = 2"))
            with pytest.raises(StoreError, match="have version 2, and this release knows 1"):
                DatabaseStore(postgresql.url, ["j1"]).read()
            connection.execute(text("UPDATE drs_cutover_schema SET version = 1"))
    finally:
        engine.dispose()


@pytest.mark.parametrize(("taking", "least"), [(10.0, 1), (0.0, 0)], ids=["in time", "after a long suspension"])
def test_of_two_that_share_a_job_one_passes_whatever_happens_between_their_statements(
    taking: float,
    least: int,
    postgresql: servers.Server,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One is stopped before each of its statements in turn, and the other does all of its own meanwhile."""
    monkeypatch.setattr(journal_database, "_TAKING", taking)
    number, reached = 0, True
    while reached:
        number += 1
        one = Interrupted(postgresql.url, jobs_of(request, f"a{number}", f"b{number}"))
        two = DatabaseStore(postgresql.url, jobs_of(request, f"b{number}", f"c{number}"))
        one.read()
        two.read()
        passed = []
        one.stop_before(
            number, lambda two=two, passed=passed, token=f"{number:015x}b": passed.extend(taken(two, token))
        )
        passed += taken(one, f"{number:015x}a")
        reached = one.reached
        owners = [store for store, held in passed if owns(store, held)]
        assert least <= len(owners) <= 1, f"stopped before statement {number}: {passed}"
    assert number > 8


class Interrupted(DatabaseStore):
    """A store that stops before a statement, while something else happens."""

    reached = False
    _left: int = -1

    def stop_before(self, number: int, meanwhile: Callable[[], None]) -> None:
        """Stop before the statement of that number."""
        self._left, self._meanwhile = number, meanwhile

    def _execute(self, *arguments: Any) -> Any:
        self._left -= 1
        if not self._left:
            self.reached = True
            self._meanwhile()
        return super()._execute(*arguments)


def taken(store: DatabaseStore, token: str) -> list[tuple[DatabaseStore, Held]]:
    try:
        return [(store, store.take(ALIVE, token, None))]
    except (LostError, BusyError):
        return []


def owns(store: DatabaseStore, held: Held) -> bool:
    try:
        store.renew(held)
    except LostError:
        return False
    return True


@pytest.mark.parametrize("kind", sorted(journal_database.DIALECTS))
def test_the_guide_shows_the_statements_that_make_the_tables(kind: str) -> None:
    page = (CHECKOUT / "docs" / "docsite" / "rst" / "guide_journal.rst").read_text(encoding="utf-8")
    insert = f"INSERT INTO drs_cutover_schema (name, version) VALUES ('cutover', {journal_database.SCHEMA})"
    statements = "".join(f"{statement};\n" for statement in (*journal_database.DIALECTS[kind].create, insert))
    assert textwrap.indent(statements, "   ") in page


# A thousand races between two processes.


def race(url: str, role: int, pipe: Connection) -> None:
    """In each round, change what is held: as its owner switch, else unfreeze; tell whether that succeeded."""
    store = DatabaseStore(url, ["race"])
    while True:
        held, looks = pipe.recv()
        if held is None:
            return
        mine = f"{role + 1:016x}"
        try:
            if held.token == mine:
                # Its change is one statement, the other's are several: else it would always win on a quiet machine.
                for _look in range(looks):
                    store.read()
                pipe.send(store.replace({**ALIVE, "decided": "switch"}, held))
            else:
                pipe.send(store.take({**ALIVE, "decided": "unfreeze"}, mine, held))
        except LostError:
            pipe.send(None)


@pytest.mark.thorough
def test_of_a_thousand_races_of_switch_against_unfreeze_each_has_one_winner(postgresql: servers.Server) -> None:
    held: Held = DatabaseStore(postgresql.url, ["race"]).take(ALIVE, f"{1:016x}", None)
    context = multiprocessing.get_context("fork")
    ends = [context.Pipe() for _role in range(2)]
    runners = [context.Process(target=race, args=(postgresql.url, role, ends[role][1])) for role in range(2)]
    for runner in runners:
        runner.start()
    decided = {"switch": 0, "unfreeze": 0}
    try:
        for number in range(1000):
            # Neither is always asked first.
            for end, _other in ends if number % 2 else reversed(ends):
                end.send((held, number % 5))
            answers = [end.recv() for end, _other in ends]
            winners = [answer for answer in answers if answer is not None]
            assert len(winners) == 1, f"round {number}: {answers}"
            held = winners[0]
            decided[held.document["decided"]] += 1
    finally:
        for end, _other in ends:
            end.send((None, 0))
        for runner in runners:
            runner.join(30)
    assert held.version == 1001
    assert min(decided.values()) > 0
