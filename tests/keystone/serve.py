# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keystone with everything it has in one folder. Runs in the environment of tests/requirements/keystone.txt.

usage: python serve.py set-up FOLDER PASSWORD
       python serve.py serve FOLDER PORT SECONDS

The first makes keys, tables and the user admin; the second serves, with tokens that live for this number of seconds.
"""

from __future__ import annotations

import grp
import os
import pwd
import sys
from pathlib import Path

CONFIGURATION = """\
[DEFAULT]
use_stderr = false
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.db
[token]
provider = fernet
expiration = {seconds}
allow_expired_window = 0
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[cache]
enabled = false
[identity]
# A login takes a tenth of the time; how passwords are kept is not what is tested.
password_hash_rounds = 4
"""


def configured(folder: Path, seconds: int) -> str:
    path = folder / f"keystone-{seconds}.conf"
    path.write_text(CONFIGURATION.format(folder=folder, seconds=seconds), encoding="utf-8")
    return str(path)


def set_up(folder: Path, password: str) -> None:
    from keystone.cmd import cli

    configuration = configured(folder, 3600)
    for repository in ("fernet", "credential"):
        (folder / repository).mkdir(mode=0o700)
    owner = [
        "--keystone-user",
        pwd.getpwuid(os.getuid()).pw_name,
        "--keystone-group",
        grp.getgrgid(os.getgid()).gr_name,
    ]
    for command in (
        ["fernet_setup", *owner],
        ["credential_setup", *owner],
        ["db_sync"],
        ["bootstrap", "--bootstrap-password", password],
    ):
        # A process each, as its options can be read only once; forked, as the imports take seconds.
        child = os.fork()
        if not child:
            cli.main(argv=["keystone-manage", *command], developer_config_file=configuration)
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            raise SystemExit(f"keystone-manage {command[0]} failed")


def serve(folder: Path, port: int, seconds: int) -> None:
    os.environ["OS_KEYSTONE_CONFIG_FILES"] = configured(folder, seconds)
    # Keystone would read them as its own.
    sys.argv = sys.argv[:1]
    import waitress
    from keystone.wsgi.api import application

    waitress.serve(application, host="127.0.0.1", port=port, threads=4)


if __name__ == "__main__":
    if sys.argv[1] == "set-up":
        set_up(Path(sys.argv[2]), sys.argv[3])
    else:
        serve(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
