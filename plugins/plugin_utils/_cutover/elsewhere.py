# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of ``watch``, ``recover`` and ``status``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError

from ...module_utils._cutover.journal import Next
from ...module_utils._cutover.status import lines, status
from ...module_utils._cutover.wording import of_other_jobs
from ...module_utils._job.errors import DrsError
from .. import _files
from .._guard import client
from .._guard.look import look, of_more_jobs
from .._guard.store import BusyError, StoreError, is_database, open_store, unusable
from .failed_task import failure, message_of
from .options import Options, check_unfreeze, read_watching
from .step import Step


class Elsewhere(Step):
    """A step of a play that is not the cutover's own, and knows of it by its journal."""

    def watch(self) -> dict[str, Any]:
        """Watch until the cutover has ended."""
        return self._followed("watch", "watch_timeout")

    def recover(self) -> dict[str, Any]:
        """Unfreeze what an owner that is gone has left frozen."""
        return self._followed("recover", "recover_wait")

    def status(self) -> dict[str, Any]:
        """Read how the cutover stands, and change nothing; it fails only if nobody can tell."""
        try:
            options = self._options()
            _files.trust_owner_of(self._folder)
            store = open_store(options.journal, options.jobs)
        except (DrsError, AnsibleError, StoreError) as error:
            return failure(message_of(error))
        try:
            found = look(store)
            if found is None or not (found[0].frozen or found[1].lives):
                # What is over, or never began, says nothing of a cutover of more jobs.
                store.ensure_free()
        except BusyError as error:
            return failure(of_more_jobs(error))
        except (StoreError, ValueError) as error:
            return failure(unusable(store.name, "read", error))
        if found is None:
            return {"status": None, **_no_journal(options)}
        journal, outside = found
        if options.jobs and (other := of_other_jobs(journal, options.jobs, looks=True)):
            return failure(other)
        told = lines(journal, store.name, outside)
        return {"msg": told, "status": status(journal, store.name, outside), "_ansible_verbose_always": True}

    def _followed(self, role: str, wait: str) -> dict[str, Any]:
        try:
            options = self._options()
            check_unfreeze(options, Path(self._folder))
            answer = self.start_watch(role, options, wait=options.values[wait])
        except (DrsError, AnsibleError) as error:
            return failure(message_of(error))
        except client.GuardGoneError as error:
            return failure(
                f"The guard that {role} had started is gone ({error}). Look at the journal, and run it again."
            )
        if answer.next is not Next.ENDED:
            return failure(answer.message)
        if answer.journal is None:
            return _no_journal(options)
        return {"msg": answer.message, "journal": answer.journal, "_ansible_verbose_always": True}

    def _options(self) -> Options:
        return read_watching(self._vars, self._action._templar, self._defaults, ids_of=self.ids_of)


def _no_journal(options: Options) -> dict[str, Any]:
    """Return what it means that there is no journal."""
    said = "No cutover of these jobs has begun"
    if (options.values["missing_journal"] or ("ok" if is_database(options.journal) else "fail")) == "ok":
        return {"msg": f"{said}, so nothing is frozen.", "_ansible_verbose_always": True}
    return failure(
        f"{said} that this machine knows of: there is no journal {options.journal}. Another machine may have it. Check "
        "drs_cutover_journal, or set drs_cutover_missing_journal to ok if this is what you expect."
    )
