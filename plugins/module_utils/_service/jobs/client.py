# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The operations of DRS: batches, lists and typed errors. Knows no Ansible."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Generic, TypeVar

from ..._job.comparisons import Page as ComparePage
from ..._job.details import DetailRecord, parse_details
from ..._job.errors import LONGEST_WORD, DrsError, Kind, cut
from ..._job.records import ProgressRecord, Record, StatusRecord, parse_progress, parse_statuses
from ..http.clock import Clock
from ..http.redaction import Redactor
from ..http.responses import SUCCESS, RefusedJobsError, check, refusal
from ..http.retries import Limits, persist, time_for_one
from ..http.transport import Answer, host_of, requests, send
from ..login.auth import Login
from .lists import ListedJob, ListOperation, Page, Pages, status_of
from .search import Found, Listing
from .stop_request import STOP_V3, STOP_V5, StopAnswer, StopOperation


@dataclass(frozen=True)
class Operation(Generic[Record]):
    """A batch operation that reads. It may be sent again, though it is a POST."""

    name: str
    record: type[Record]
    parse: Callable[[object], dict[str, Record]]
    paged: bool

    def body(self, ids: Sequence[str]) -> dict[str, Any]:
        """The request's body. Without ``page_req`` batch-status answers 5 jobs whatever was asked."""
        body: dict[str, Any] = {"jobs": list(ids)}
        if self.paged:
            body["page_req"] = {"cur_page": 1, "per_page": len(ids)}
        return body


BATCH_STATUS = Operation("batch-status", StatusRecord, parse_statuses, paged=True)
BATCH_PROGRESS = Operation("batch-progress", ProgressRecord, parse_progress, paged=False)
BATCH_DETAIL = Operation("batch-detail", DetailRecord, parse_details, paged=True)
# What a wait keeps of each job is little: the entries as they came would be most of its memory.
_PROGRESS_WITHOUT_RAW = replace(BATCH_PROGRESS, parse=partial(parse_progress, raw=False))

COMPARE_RESULT = "query-compare-result"

Result = TypeVar("Result")

_UNREAD = "The list of jobs has entries without an id that can be read. Of these jobs nothing is known."
# Seconds after which an operation that was withdrawn is tried again: an API that is being published is not there for a while.
_WITHDRAWN_FOR = 600.0
_STATUS_FROM_LIST = (
    "The service has withdrawn batch-status (404 APIGW.0101). The statuses come from the list of jobs instead, "
    "which needs a permission of its own."
)


@dataclass
class _Read(Generic[Record]):
    """The reading of one operation for many jobs: its batches, and whether anything was said about a job."""

    operation: Operation[Record]
    ids: Sequence[str]
    until: float | None
    batches: list[Future[list[Record]]] = field(default_factory=list)
    answered: bool = False
    refusal: RefusedJobsError | None = None


class Client:
    """Reads jobs of one project through one login and one pool of connections.

    Use it as a context manager, or call :meth:`close`. ``requests_sent`` counts HTTP requests
    about jobs, repeated ones too, and none of the login.
    """

    def __init__(
        self,
        endpoint: str,
        project_id: str,
        login: Login,
        session: requests.Session,
        redact: Redactor,
        *,
        language: str,
        limits: Limits,
        clock: Clock,
        about: Mapping[str, str | None],
    ) -> None:
        """``endpoint`` is the base URL; ``session`` comes from :func:`.transport.new_session`.

        ``about`` says for reports where the client reads, and holds no secret.
        """
        self.about = about
        self._root, self._project_id = endpoint.rstrip("/"), project_id
        self._login = login
        self._session = session
        self._redact = redact
        self._headers = {"Content-Type": "application/json", "X-Language": language}
        self._limits = limits
        self._clock = clock
        self._pool = ThreadPoolExecutor(limits.parallel, thread_name_prefix="drs")
        self._counting = threading.Lock()
        self._closed = False
        # Whether a batch of the read under way has failed, so that no other needs another try.
        self._given_up = False
        self._stop_operation = STOP_V3
        # What was said when batch-status turned out to be withdrawn, and until when that is believed.
        self._status_withdrawn = ""
        self._withdrawn_until = 0.0
        # The operations that have answered: they are not withdrawn, whatever one answer says.
        self._answered: set[str] = set()
        self._listing = Listing(self._list_page, self._together, self._late)
        self.requests_sent = 0

    @property
    def batch_size(self) -> int:
        """How many jobs one request may hold."""
        return self._limits.batch_size

    @property
    def logins(self) -> int:
        """How often the client logged in."""
        return self._login.logins

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; requests that have not begun fail, and nothing is tried again."""
        self._closed = True
        # The requests are not cancelled: that would tell nobody, and a thread that waits for one would wait for ever.
        self._pool.shutdown(wait=False)
        self._session.close()

    @property
    def warnings(self) -> list[str]:
        """What the user should know about the service, each sentence once."""
        said = {_STATUS_FROM_LIST: bool(self._status_withdrawn), _UNREAD: self._listing.unread}
        return [text for text, applies in said.items() if applies]

    def shown(self, value: Result, known: Iterable[str] = ()) -> Result:
        """A value for people, without secrets: also where it holds ids and names, which are compared as they came.

        Ids that are ``known`` to whoever asks stay as they are.
        """
        hidden: Result = self._redact.shown(value, frozenset(known))
        return hidden

    def shown_error(self, error: DrsError) -> DrsError:
        """The same error, its sentence without secrets."""
        error.args = (self._redact.text(str(error)),)
        return error

    def statuses(self, ids: Sequence[str], until: float | None = None) -> list[StatusRecord]:
        """A record for each id, in the order given; see :meth:`both` for ``until`` and errors."""
        self._log_in(until)
        said = self._withdrawn()
        if not said:
            try:
                return self._gathered(self._submit(BATCH_STATUS, ids, until))
            except DrsError as error:
                said = self._withdrawn_by(error)
        return self._listed_statuses(ids, until, said)

    def details(self, ids: Sequence[str]) -> list[DetailRecord]:
        """A record for each id, in the order given; see :meth:`both` for errors."""
        self._log_in(None)
        return self._gathered(self._submit(BATCH_DETAIL, ids, None))

    def progress(self, ids: Sequence[str]) -> list[ProgressRecord]:
        """A record for each id, in the order given; see :meth:`both` for errors."""
        self._log_in(None)
        return self._gathered(self._submit(BATCH_PROGRESS, ids, None))

    def both(self, ids: Sequence[str], until: float | None = None) -> tuple[list[StatusRecord], list[ProgressRecord]]:
        """Both operations at once; nothing is tried again after ``until`` (monotonic seconds).

        The progress comes without the API's own entries (``raw``). If batch-status is withdrawn, the statuses come
        from the list of jobs. A job that the service does not know gives a record with ``found`` false. Raises
        :class:`DrsError` when any of the requests returned no usable response.
        """
        self._log_in(until)
        said = self._withdrawn()
        if not said:
            try:
                statuses = self._submit(BATCH_STATUS, ids, until)
                progress = self._submit(_PROGRESS_WITHOUT_RAW, ids, until)
                self._wait_for([*statuses.batches, *progress.batches])
                return self._gathered(statuses), self._gathered(progress)
            except DrsError as error:
                said = self._withdrawn_by(error)
        # Only if the other operation answers, the service is there, and has this one no longer.
        answered = self._gathered(self._submit(_PROGRESS_WITHOUT_RAW, ids, until))
        return self._listed_statuses(ids, until, said), answered

    def _withdrawn(self) -> str:
        """What was said when batch-status turned out to be withdrawn; empty when that is not believed, or no longer."""
        return self._status_withdrawn if self._clock.elapsed() < self._withdrawn_until else ""

    def _withdrawn_by(self, error: DrsError) -> str:
        """What an error says of batch-status that is withdrawn; raise any other error."""
        if not error.withdrawn or not str(error).startswith(BATCH_STATUS.name):
            raise error
        return str(error)

    def _listed_statuses(self, ids: Sequence[str], until: float | None, said: str) -> list[StatusRecord]:
        try:
            listed = self._listed(ids, None, until)
        except DrsError as error:
            error.args = (f"{said} The list of jobs cannot take its place. {error}",)
            # An operation that has answered before is there again, sooner or later.
            error.final = error.final and BATCH_STATUS.name not in self._answered
            raise
        # What was believed when the read began may have run out since then: that is no reason to believe it for longer.
        if said is not self._status_withdrawn:
            self._status_withdrawn, self._withdrawn_until = said, self._clock.elapsed() + _WITHDRAWN_FOR
        return [status_of(listed[job_id]) if job_id in listed else StatusRecord(job_id) for job_id in ids]

    def _listed(self, ids: Sequence[str] | None, types: Sequence[str] | None, until: float | None) -> Found:
        try:
            return self._listing.jobs(ids, types, until)
        except DrsError as error:
            # A list that contradicts itself is told by the id of a job, which is as it came.
            raise self.shown_error(error) from None

    def compare_result(
        self, job_id: str, fields: Mapping[str, Any], parse: Callable[[object], ComparePage], until: float | None = None
    ) -> ComparePage:
        """One page of the comparisons of a job, as ``parse`` reads it; ``fields`` are those of the request.

        A read, though it is a POST. Nothing is tried again after ``until`` (monotonic seconds). Raises :class:`DrsError`
        for an answer that cannot be used.
        """
        self._log_in(until)
        asked = {"job_id": job_id, **fields}
        try:
            return self._read("POST", self._url("v3", f"/{COMPARE_RESULT}"), asked, parse, until)
        except DrsError as error:
            if error.http_status in SUCCESS and error.kind is not Kind.PROTOCOL:
                # Nobody promises that a text in place of comparisons holds nothing of the user's data.
                error.error_message = None
                error.args = (
                    f"HTTP {error.http_status} {error.error_code or 'without a code'}, an error inside a success.",
                )
            raise self._told(error, f"{COMPARE_RESULT} of job {job_id}", COMPARE_RESULT) from None

    def list_jobs(
        self,
        *,
        ids: Sequence[str] | None = None,
        names: Sequence[str] | None = None,
        types: Sequence[str] | None = None,
        statuses: Sequence[str] | None = None,
        until: float | None = None,
    ) -> tuple[ListedJob, ...]:
        """The jobs of the project that have one of these ids, names, types and statuses, all of them by default.

        An id that is in no list is left out. Raises :class:`DrsError` for a list that is not whole; nothing is
        tried again after ``until`` (monotonic seconds).
        """
        self._log_in(until)
        listed = self._listed(ids, types, until)
        wanted = None if names is None else frozenset(names)
        return tuple(
            job
            for job in listed.values()
            if (wanted is None or job.name in wanted) and (statuses is None or job.status in statuses)
        )

    def stop(self, ids: Sequence[str], *, force: bool = False, until: float | None = None) -> dict[str, StopAnswer]:
        """Ask once to stop at most :attr:`batch_size` jobs; what the service answered about each.

        Nothing is repeated after an error, because a stop is not a read and may have been carried out: the
        caller reads the statuses first. Only requests that certainly did nothing are: after a 401 with a new
        login, and by v5 when v3 is withdrawn. Raises :class:`DrsError` for an answer that cannot be used.
        """
        self._log_in(until)
        try:
            return self._send_stop(self._stop_operation, ids, force, until)
        except DrsError as error:
            if not error.withdrawn or self._stop_operation is not STOP_V3:
                raise self._about(error, self._stop_operation, ids) from None
        try:
            answers = self._send_stop(STOP_V5, ids, force, until)
        except DrsError as error:
            raise self._about(error, STOP_V5, ids) from None
        self._stop_operation = STOP_V5
        return answers

    def _send_stop(
        self, operation: StopOperation, ids: Sequence[str], force: bool, until: float | None
    ) -> dict[str, StopAnswer]:
        asked = operation.body(ids, force)
        url = self._url(operation.version, f"/{operation.name}")
        attempts = 1
        try:
            answer = self._send(operation.method, url, asked, until)
            # Something in between may answer 401 to a stop that was carried out: only IAM's own is certain.
            if (
                answer.status == 401
                and refusal(answer, self._redact).kind is Kind.AUTHENTICATION
                and self._renewed(answer, until)
            ):
                attempts = 2
                answer = self._send(operation.method, url, asked, until)
            return check(answer, self._redact, lambda body: operation.parse(body, ids))
        except DrsError as error:
            error.attempts = attempts
            raise

    def _renewed(self, answer: Answer, until: float | None) -> bool:
        return self._login.renew(answer.request, time_for_one(self._limits, self._clock, until))

    def _late(self, until: float | None) -> bool:
        """Whether time is up for what need not be sent any more."""
        return until is not None and self._clock.elapsed() > until

    def _url(self, version: str, rest: str) -> str:
        return f"{self._root}/{version}/{self._project_id}/jobs{rest}"

    def _send(self, method: str, url: str, asked: Mapping[str, Any] | None, until: float | None) -> Answer:
        body = None if asked is None else json.dumps(asked).encode()
        request = requests.Request(method, url, data=body, headers=self._headers, auth=self._login)
        with self._counting:
            self.requests_sent += 1
        return send(self._session, request, time_for_one(self._limits, self._clock, until))

    def _log_in(self, until: float | None) -> None:
        """Before the requests, which would wait for one login each if it failed."""
        persist(
            lambda: self._login.log_in(time_for_one(self._limits, self._clock, until)),
            self._limits,
            self._clock,
            until,
        )

    def _submit(self, operation: Operation[Record], ids: Sequence[str], until: float | None) -> _Read[Record]:
        size = self._limits.batch_size
        read: _Read[Record] = _Read(operation, ids, until)

        def records(batch: Sequence[str]) -> list[Record]:
            found = self._read_batch(read, batch)
            return [found[job_id] for job_id in batch]

        batches = [ids[start : start + size] for start in range(0, len(ids), size)]
        read.batches += [self._pool.submit(records, batch) for batch in batches]
        return read

    def _read_batch(self, read: _Read[Record], ids: Sequence[str]) -> dict[str, Record]:
        """A record for each id of one batch. One bad id does not hide the others."""
        try:
            url, asked = self._url("v3", f"/{read.operation.name}"), read.operation.body(ids)
            found = self._read("POST", url, asked, read.operation.parse, read.until)
        except RefusedJobsError as refusal:
            return self._take_apart(read, ids, refusal)
        except DrsError as error:
            raise self._about(error, read.operation, ids) from None
        read.answered = True
        self._answered.add(read.operation.name)
        # Nothing else tells a truncated answer: an id that did not come back is not found.
        missing = {job_id: read.operation.record(job_id) for job_id in ids if job_id not in found}
        written = {job_id.lower(): job_id for job_id in found if missing and job_id not in ids}
        for job_id, record in missing.items():
            other = written.get(job_id.lower())
            if other:
                said = f"the id is written {cut(other, LONGEST_WORD)}; upper and lower case count"
                missing[job_id] = replace(record, error_message=said)
        return {job_id: found.get(job_id) or missing[job_id] for job_id in ids}

    def _take_apart(self, read: _Read[Record], ids: Sequence[str], refusal: RefusedJobsError) -> dict[str, Record]:
        """Ask again without the jobs that were refused; by halves where the service does not name them."""
        refused = {job_id: refusal.jobs[job_id] for job_id in ids if job_id in refusal.jobs}
        if not refused and len(ids) == 1:
            refused = {ids[0]: (refusal.error_code, refusal.error_message)}
            if not refusal.certain:
                read.refusal = read.refusal or refusal
        if refused and refusal.certain:
            read.answered = True
        records = {
            job_id: read.operation.record(job_id, error_code=code, error_message=message)
            for job_id, (code, message) in refused.items()
        }
        rest = [job_id for job_id in ids if job_id not in refused]
        if rest and self._late(read.until):
            text = "Some of the jobs were refused, and time was up before it was known which."
            raise self._about(DrsError(Kind.SERVICE, text, error_code=refusal.error_code), read.operation, ids)
        middle = len(rest) if refused else len(rest) // 2
        for part in (rest[:middle], rest[middle:]):
            if part:
                records.update(self._read_batch(read, part))
        return records

    def _list_page(
        self, operation: ListOperation, job_type: str, pages: Pages, ids: Sequence[str], until: float | None
    ) -> Page:
        """The page of a list that comes after these."""
        query, asked = operation.request(job_type, pages.number + 1, pages.read, ids)
        url = self._url(operation.version, query)
        try:
            page = self._read(operation.method, url, asked, lambda body: operation.parse(body, job_type), until)
        except DrsError as error:
            raise self._told(error, f"The {operation.name}", operation.name) from None
        self._answered.add(operation.name)
        return page

    def _read(
        self,
        method: str,
        url: str,
        asked: Mapping[str, Any] | None,
        parse: Callable[[object], Result],
        until: float | None,
    ) -> Result:
        """What ``parse`` makes of a successful answer, tried as often as makes sense. Only for what may be repeated."""
        renewed = False

        def sent() -> Answer:
            if self._closed:
                raise DrsError(Kind.NETWORK, "The client was closed.")
            if self._given_up:
                raise DrsError(Kind.NETWORK, "Another request of the same read has failed.")
            return self._send(method, url, asked, until)

        def once() -> Result:
            nonlocal renewed
            answer = sent()
            if answer.status == 401 and not renewed and self._renewed(answer, until):
                renewed = True
                answer = sent()
            return check(answer, self._redact, parse)

        try:
            return persist(once, self._limits, self._clock, until)
        except DrsError as error:
            error.attempts += renewed
            raise

    def _together(self, reads: Sequence[Callable[[], Found]]) -> list[Found]:
        """What these reads return, done at once as far as ``parallel`` allows."""
        futures = [self._pool.submit(read) for read in reads]
        self._wait_for(futures)
        return [future.result() for future in futures]

    def _about(self, error: DrsError, operation: Operation[Any] | StopOperation, ids: Sequence[str]) -> DrsError:
        """The same error, its sentence beginning with what was asked of whom."""
        jobs = f"job {ids[0]}" if len(ids) == 1 else f"{len(ids)} jobs"
        return self._told(error, f"{operation.name} of {jobs}", operation.name)

    def _told(self, error: DrsError, what: str, operation: str) -> DrsError:
        if error.withdrawn and operation in self._answered:
            # It is there again, sooner or later.
            error.final = False
        tries = f" ({error.attempts} attempts)" if error.attempts > 1 else ""
        error.args = (f"{what} at {host_of(self._root)} failed{tries}: {error}",)
        return error

    def _gathered(self, read: _Read[Record]) -> list[Record]:
        """The records of all batches in their order, or the error of the first that failed."""
        self._wait_for(read.batches)
        if read.refusal and not read.answered:
            # Not one job has an answer, and the code does not say that this is because of the jobs.
            raise self._about(read.refusal, read.operation, read.ids)
        return [record for batch in read.batches for record in batch.result()]

    def _wait_for(self, batches: Sequence[Future[Any]]) -> None:
        """Wait for the batches; on the first that failed, try nothing more and raise its error."""
        done, waiting = wait(batches, return_when=FIRST_EXCEPTION)
        errors = [error for batch in batches if batch in done and (error := batch.exception())]
        if errors:
            self._given_up = True
            for batch in waiting:
                batch.cancel()
            wait(waiting)
            self._given_up = False
            raise errors[0]
