# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal in a database, which AWX, CI and Kubernetes need: a container keeps no file.

Each statement stands for itself (autocommit), so that all pass a pooler such as PgBouncer, and none leaves a lock behind
when its sender is suspended. Each operation has a connection of its own. The database has the only clock.

**One journal** is one row, and a change is an ``UPDATE`` of it under the condition that version and token are as known:
the database carries out one of several only.

**Journals that share a job** are rows of their own. Who takes one (1) puts its token on the row of each of its jobs,
(2) looks at all other journals with one of them: gives up if such a journal lives or is frozen, else takes the token of
its owner away, under the condition that it has not renewed; (3) writes its journal, and (4) looks whether all its jobs
still have its token, else it steps back. Why no two can pass: say that both A and B passed, and that A put its token
last on a job of both. Then B's look (4), and so its write (3), were before that. A's look (2) came after it and saw B's
journal: A gave up, or B is not the owner any more.

SQLAlchemy is imported here only, and only when a database is used.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from ...module_utils._job.text import printable, sentence
from .store import LARGEST, Acknowledgement, BusyError, Held, LostError, StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row
    from sqlalchemy.exc import SQLAlchemyError

T = TypeVar("T")

SCHEMA = 1
# Seconds for a connection, and for one answer where the driver can bound that.
_PATIENCE = 5
# Seconds in which whoever put its token on its jobs has to write its journal.
_TAKING = 10.0
# Seconds after which a watch that says nothing any more is forgotten.
_GONE = 86400.0
_TRIES = 5


@dataclass(frozen=True)
class Dialect:
    """What differs between databases. ``clock`` is epoch seconds, ``create`` makes the tables."""

    packages: str
    clock: str
    settings: Mapping[str, Any]
    options: Mapping[str, Any]
    create: tuple[str, ...]


def _tables(text: str, real: str) -> tuple[str, ...]:
    """Return the statements that make the tables."""
    return (
        f"""\
CREATE TABLE IF NOT EXISTS drs_cutover_journal (
  jobs_key char(64) PRIMARY KEY,
  jobs {text} NOT NULL,
  document {text},
  version bigint NOT NULL,
  token varchar(64) NOT NULL,
  epoch bigint NOT NULL,
  beat bigint NOT NULL,
  ended smallint NOT NULL,
  renewed {real} NOT NULL
)""",
        f"""\
CREATE TABLE IF NOT EXISTS drs_cutover_job (
  job char(64) PRIMARY KEY,
  token varchar(64) NOT NULL,
  claimed {real} NOT NULL
)""",
        f"""\
CREATE TABLE IF NOT EXISTS drs_cutover_watch (
  jobs_key char(64) NOT NULL,
  token varchar(64) NOT NULL,
  document {text} NOT NULL,
  beat bigint NOT NULL,
  said {real} NOT NULL,
  PRIMARY KEY (jobs_key, token)
)""",
        """\
CREATE TABLE IF NOT EXISTS drs_cutover_schema (
  name varchar(16) PRIMARY KEY,
  version integer NOT NULL
)""",
    )


DIALECTS = {
    "postgresql+psycopg": Dialect(
        "sqlalchemy and psycopg[binary]",
        "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)",
        {
            "connect_timeout": _PATIENCE,
            "tcp_user_timeout": _PATIENCE * 1000,
            "keepalives_idle": _PATIENCE,
            "keepalives_interval": 2,
            "keepalives_count": 2,
            "application_name": "cutover.drs",
            # A pooler gives the next statement to another session, which knows nothing of one that was prepared.
            "prepare_threshold": None,
        },
        {"use_native_hstore": False},
        _tables("text", "double precision"),
    ),
    "mysql+pymysql": Dialect(
        "sqlalchemy and pymysql",
        # Not SYSDATE: that is local time, in which an hour comes twice a year. It is the start of the statement, which
        # an owner counts from, too.
        "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) / 1e6)",
        {"connect_timeout": _PATIENCE, "read_timeout": _PATIENCE, "write_timeout": _PATIENCE},
        {},
        _tables("longtext", "double"),
    ),
}


class DatabaseStore:
    """The journal of one set of jobs in a database. Its password is in no text and no error."""

    def __init__(self, url: str, jobs: Sequence[str]) -> None:
        kind, _colon, _rest = url.partition("://")
        if kind not in DIALECTS:
            raise StoreError(
                f"A journal cannot be in a database of the kind {printable(kind[:40])!r}: drs_cutover_journal is a path, or a "
                f"URL that begins with one of {', '.join(f'{name}://' for name in DIALECTS)}."
            )
        self._dialect = DIALECTS[kind]
        self._jobs = sorted(set(jobs))
        self._key = _hashed(json.dumps(self._jobs))
        self._keys = [_hashed(job) for job in self._jobs]
        self._prepared = False
        problem = ""
        try:
            from sqlalchemy import create_engine
            from sqlalchemy.engine import URL, make_url
            from sqlalchemy.exc import ArgumentError
            from sqlalchemy.pool import NullPool

            try:
                parsed = make_url(url)
                self._secrets = [secret for secret in (parsed.password, *_texts(parsed.query)) if secret]
                self.name = str(
                    URL.create(parsed.drivername, parsed.username, None, parsed.host, parsed.port, parsed.database)
                )
                self._engine = create_engine(
                    parsed,
                    poolclass=NullPool,
                    isolation_level="AUTOCOMMIT",
                    hide_parameters=True,
                    connect_args=dict(self._dialect.settings),
                    **self._dialect.options,
                )
            except (ArgumentError, ValueError, TypeError):
                problem = f"drs_cutover_journal is not a URL such as {kind}://user:password@host/database."
        except ImportError:
            packages = self._dialect.packages
            problem = f"A journal in a database needs the Python packages {packages}, where ansible-playbook runs."
        if problem:
            raise StoreError(problem)

    def read(self) -> Held | None:
        """Return the newest version; None if no cutover of these jobs has begun."""
        row = self._do(self._row)
        return None if row is None or row.document is None else self._held(row)

    def ensure_free(self) -> None:
        """Raise :class:`BusyError` if another journal that lives, or is frozen, has one of these jobs."""
        self._do(lambda connection: list(self._others(connection)))

    def take(self, document: Mapping[str, Any], token: str, after: Held | None) -> Held:
        """Make ``token`` the owner, if ``after`` is the newest in version and beat, and no other journal has its jobs.

        Raises :class:`LostError` and :class:`BusyError`.
        """
        text = _encoded(document)
        before = self._do(lambda connection: self._ready(connection, token, after))
        taken = Held(json.loads(text), before.version + 1, token, before.epoch + 1, before.beat, 0.0)
        changes = "document = :document, ended = :ended, token = :token, epoch = epoch + 1, renewed = {clock}"
        try:
            self._settled(changes, before, text, token, ended=_ended(document), beat=before.beat)
            self._do(lambda connection: self._verify(connection, taken, before))
        except LostError:
            # If this fails, the jobs are free again in a few seconds.
            with suppress(StoreError):
                self._do(lambda connection: self._unclaim(connection, token))
            raise
        return taken

    def replace(self, document: Mapping[str, Any], after: Held) -> Held:
        """Store the owner's next version. Raises :class:`LostError`."""
        text = _encoded(document)
        changes = "document = :document, ended = :ended, renewed = {clock}"
        self._settled(changes, after, text, after.token, ended=_ended(document))
        return replace(after, document=json.loads(text), version=after.version + 1, age=0.0)

    def renew(self, held: Held) -> Held:
        """Tell that the owner lives. Raises :class:`LostError`."""
        statement = (
            "UPDATE drs_cutover_journal SET beat = beat + 1, renewed = {clock} "
            "WHERE jobs_key = :key AND token = :token AND document IS NOT NULL"
        )
        if not self._do(lambda connection: self._changed(connection, statement, token=held.token)):
            raise LostError(f"{self.name}: another owner has the journal.")
        return replace(held, beat=held.beat + 1, age=0.0)

    def acknowledge(self, token: str, document: Mapping[str, Any]) -> None:
        """Tell that a watch lives, and what it rehearsed."""
        values = {"token": token, "document": _encoded(document)}
        update = (
            "UPDATE drs_cutover_watch SET document = :document, beat = beat + 1, said = {clock} "
            "WHERE jobs_key = :key AND token = :token"
        )

        def say(connection: Connection) -> None:
            if self._changed(connection, update, **values):
                return
            self._changed(connection, "DELETE FROM drs_cutover_watch WHERE said < {clock} - :gone", gone=_GONE)
            self._inserted(
                connection,
                "INSERT INTO drs_cutover_watch (jobs_key, token, document, beat, said) "
                "VALUES (:key, :token, :document, 1, {clock})",
                **values,
            )

        self._do(say)

    def acknowledgements(self) -> tuple[Acknowledgement, ...]:
        """Return what each watch said last."""
        statement = (
            "SELECT token, document, beat, {clock} - said AS age FROM drs_cutover_watch "
            "WHERE jobs_key = :key ORDER BY token"
        )
        rows = self._do(lambda connection: self._rows(connection, statement))
        return tuple(
            Acknowledgement(row.token, self._decoded(row.document), row.beat, max(0.0, float(row.age))) for row in rows
        )

    def remove(self, held: Held) -> None:
        """Remove the journal; its row stays, so that its numbers go on rising. Raises :class:`LostError`."""
        self._settled("document = :document, token = :token, ended = 1", held, None, "")
        self._do(lambda connection: self._unclaim(connection, held.token))

    def release(self, held: Held) -> None:
        """Forget the watches, if ``held`` is still the owner."""
        statement = (
            "DELETE FROM drs_cutover_watch WHERE jobs_key = :key AND EXISTS "
            "(SELECT 1 FROM drs_cutover_journal WHERE jobs_key = :key AND token = :token)"
        )
        self._do(lambda connection: self._changed(connection, statement, token=held.token))

    def _ready(self, connection: Connection, token: str, after: Held | None) -> Row[Any]:
        """Put the token on all jobs and make sure that no other journal has one; return the row to change."""
        row = self._row(connection)
        if row is None:
            self._inserted(
                connection,
                "INSERT INTO drs_cutover_journal (jobs_key, jobs, version, token, epoch, beat, ended, renewed) "
                "VALUES (:key, :jobs, 0, '', 0, 0, 1, {clock})",
                jobs=json.dumps(self._jobs),
            )
            row = self._row(connection)
        known = None if row is None or row.document is None else (row.version, row.beat, row.token)
        if row is None or known != (None if after is None else (after.version, after.beat, after.token)):
            raise LostError(f"{self.name}: somebody was faster.")
        try:
            for job in self._keys:
                self._claim(connection, job, token)
            self._dispossess(connection)
        except (LostError, BusyError):
            self._unclaim(connection, token)
            raise
        return row

    def _claim(self, connection: Connection, job: str, token: str) -> None:
        """Put the token on a job, unless another one is about to take it. Raises :class:`LostError`."""
        for _try in range(_TRIES):
            rows = self._rows(
                connection,
                "SELECT token, {clock} - claimed AS age, "
                "(SELECT count(*) FROM drs_cutover_journal WHERE drs_cutover_journal.token = drs_cutover_job.token) AS taken "
                "FROM drs_cutover_job WHERE job = :job",
                job=job,
            )
            if not rows:
                claimed = self._inserted(
                    connection,
                    "INSERT INTO drs_cutover_job (job, token, claimed) VALUES (:job, :token, {clock})",
                    job=job,
                    token=token,
                )
            elif rows[0].token not in ("", token) and not rows[0].taken and abs(rows[0].age) < _TAKING:
                # One of its own is of an attempt that failed in the middle.
                break
            else:
                # First: who holds it may be just about to look whether the job is still its own.
                self._dispossess(connection)
                claimed = self._changed(
                    connection,
                    "UPDATE drs_cutover_job SET token = :token, claimed = {clock} WHERE job = :job AND token = :old",
                    job=job,
                    token=token,
                    old=rows[0].token,
                )
            if claimed:
                return
        raise LostError(f"{self.name}: another cutover of one of these jobs begins just now.")

    def _dispossess(self, connection: Connection) -> None:
        """Take away the token of every owner of one of these jobs that is dead.

        Raises :class:`BusyError` for one that lives or is frozen, :class:`LostError` for one that comes back meanwhile.
        """
        for row in self._others(connection):
            if not row.token:
                continue
            if not self._advanced(connection, "token = ''", row, beat=row.beat, key=row.jobs_key):
                raise LostError(f"{self.name}: another cutover of one of these jobs was faster.")
            self._unclaim(connection, row.token)

    def _others(self, connection: Connection) -> Iterator[Row[Any]]:
        """Return the journals of dead owners that have one of these jobs. Raises :class:`BusyError` for one that lives or is frozen."""
        others = self._rows(
            connection,
            "SELECT jobs_key, jobs, document, version, token, beat, {clock} - renewed AS age FROM drs_cutover_journal "
            "WHERE jobs_key <> :key AND ended = 0 AND document IS NOT NULL",
        )
        for row in others:
            shared = set(self._jobs) & set(json.loads(row.jobs))
            if not shared:
                continue
            document = self._decoded(row.document)
            lives = bool(row.token) and not _expired(row.age, document.get("lease"))
            if lives or document.get("frozen_since") is not None:
                state = "lives" if lives else "left its source frozen"
                raise BusyError(
                    f"{self.name}: another cutover, which {state}, has {', '.join(sorted(shared)[:3])}.", document
                )
            yield row

    def _verify(self, connection: Connection, taken: Held, before: Row[Any]) -> None:
        """Raise :class:`LostError` if a job lost the token; the journal is put back as it was, without an owner."""
        statement = "SELECT count(*) AS number FROM drs_cutover_job WHERE token = :token"
        if self._rows(connection, statement, token=taken.token)[0].number == len(self._keys):
            return
        changes = "document = :document, ended = :ended, token = ''"
        self._advanced(connection, changes, taken, document=before.document, ended=before.ended)
        raise LostError(f"{self.name}: another cutover of one of these jobs was faster.")

    def _unclaim(self, connection: Connection, token: str) -> None:
        self._changed(connection, "UPDATE drs_cutover_job SET token = '' WHERE token = :token", token=token)

    def _settled(self, changes: str, known: Held | Row[Any], document: str | None, token: str, **values: Any) -> None:
        """Carry out a compare-and-set; if its answer is lost, or says no, find out by one look whether it took place.

        ``document`` and ``token`` are those of the journal afterwards. Raises :class:`LostError`.
        """
        problem: StoreError | None = None
        values = {**values, "document": document, "token": token}
        try:
            if self._do(lambda connection: self._advanced(connection, changes, known, **values)):
                return
        except StoreError as error:
            problem = error
        found = self._do(self._row)
        version = found.version if found else 0
        if found and (version, found.token, found.document) == (known.version + 1, token, document):
            return
        if problem and version <= known.version:
            raise problem
        raise LostError(f"{self.name}: another owner has the journal.")

    def _advanced(self, connection: Connection, changes: str, known: Held | Row[Any], **values: Any) -> bool:
        """Make the next version of a journal, if version and owner, and the ``beat`` if it is given, are as known."""
        statement = (
            f"UPDATE drs_cutover_journal SET {changes}, version = version + 1 "
            "WHERE jobs_key = :key AND version = :version AND token = :owner"
        )
        if "beat" in values:
            statement += " AND beat = :beat"
        return self._changed(connection, statement, version=known.version, owner=known.token, **values)

    def _row(self, connection: Connection) -> Row[Any] | None:
        rows = self._rows(
            connection,
            "SELECT document, version, token, epoch, beat, ended, {clock} - renewed AS age "
            "FROM drs_cutover_journal WHERE jobs_key = :key",
        )
        return rows[0] if rows else None

    def _held(self, row: Row[Any]) -> Held:
        age = max(0.0, float(row.age))
        return Held(self._decoded(row.document), row.version, row.token, row.epoch, row.beat, age)

    def _decoded(self, text: str) -> dict[str, Any]:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise StoreError(f"The journal in {self.name} is damaged. Find out what the last run did before you go on.")
        return document

    def _rows(self, connection: Connection, statement: str, **values: Any) -> Sequence[Row[Any]]:
        rows: Sequence[Row[Any]] = self._execute(connection, statement, values).fetchall()
        return rows

    def _changed(self, connection: Connection, statement: str, **values: Any) -> bool:
        return bool(self._execute(connection, statement, values).rowcount)

    def _inserted(self, connection: Connection, statement: str, **values: Any) -> bool:
        """Insert a row; False if there is one of this key."""
        from sqlalchemy.exc import IntegrityError

        try:
            return self._changed(connection, statement, **values)
        except IntegrityError:
            return False

    def _execute(self, connection: Connection, statement: str, values: Mapping[str, Any]) -> Any:
        from sqlalchemy import text

        named = {name: value for name, value in {"key": self._key, **values}.items() if f":{name}" in statement}
        return connection.execute(text(statement.replace("{clock}", self._dialect.clock)), named)

    def _do(self, work: Callable[[Connection], T]) -> T:
        """Run the statements of an operation, each for itself, on a connection of their own."""
        from sqlalchemy.exc import SQLAlchemyError

        problem = ""
        try:
            with self._engine.connect() as connection:
                if not self._prepared:
                    self._prepare(connection)
                    self._prepared = True
                return work(connection)
        except SQLAlchemyError as error:
            problem = f"The journal's database {self.name} cannot be used: {self._why(error)}"
        except UnicodeError:
            # Its text and its repr quote the password.
            problem = f"The journal's database {self.name} cannot be used: its driver cannot encode the user name or the password."
        # Outside, so that the driver's error, which may quote the URL, is not part of it.
        raise StoreError(problem)

    def _prepare(self, connection: Connection) -> None:
        """Make the tables if there are none. Raises :class:`StoreError` for those of a newer release."""
        from sqlalchemy.exc import DBAPIError, ProgrammingError

        statement = "SELECT version FROM drs_cutover_schema WHERE name = 'cutover'"
        versions: list[int] = []
        problem = ""
        for _try in range(_TRIES):
            with suppress(ProgrammingError):
                versions = [row.version for row in self._rows(connection, statement)]
                if versions:
                    break
            try:
                for create in self._dialect.create:
                    self._execute(connection, create, {})
                self._inserted(
                    connection, f"INSERT INTO drs_cutover_schema (name, version) VALUES ('cutover', {SCHEMA})"
                )
                problem = ""
            except DBAPIError as error:
                problem = self._why(error)
                # Two that make one table at a time disturb each other in PostgreSQL.
                time.sleep(0.1)
        if not versions:
            raise StoreError(
                f"The tables of the journal are missing in {self.name} and cannot be made: {problem} "
                'Have somebody with that right run the statements of the guide "Where the journal is kept".'
            )
        if versions[0] != SCHEMA:
            raise StoreError(
                f"The journal's tables in {self.name} have version {versions[0]}, and this release knows {SCHEMA}. "
                "Use the release of cutover.drs that made them, or a newer one."
            )

    def _why(self, error: SQLAlchemyError) -> str:
        """Return what the database said, on one line and without a secret."""
        said = str(getattr(error, "orig", None) or error)
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return sentence(printable(" ".join(said.split()))[:300])


def _texts(query: Mapping[str, Any]) -> list[str]:
    """Return the values of a URL's options, which may be passwords, too."""
    return [
        text
        for name, value in query.items()
        if "pass" in name
        for text in ([value] if isinstance(value, str) else value)
    ]


def _hashed(text: str) -> str:
    # Not the text itself: for MariaDB texts are alike that differ in case, or in blanks at their end.
    return hashlib.sha256(text.encode()).hexdigest()


def _encoded(document: Mapping[str, Any]) -> str:
    text = json.dumps(dict(document))
    if len(text) > LARGEST:
        raise StoreError(f"The journal would be larger than {LARGEST} bytes.")
    return text


def _ended(document: Mapping[str, Any]) -> int:
    # After "frozen", an unfreeze that failed, the source may still be frozen.
    return int(document.get("outcome") not in (None, "frozen"))


def _expired(age: float, lease: Any) -> bool:
    """Tell whether an owner counts as dead; never if its journal does not say how long its lease is."""
    return isinstance(lease, (int, float)) and not isinstance(lease, bool) and age >= lease
