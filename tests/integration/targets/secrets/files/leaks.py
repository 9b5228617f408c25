# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets, and for what a hostile service did, in all that runs write: ``python leaks.py SIM FOLDER``.

Each login, by options and by the environment, runs modules, the wait and the roles with ``-vvvv``: in success, in
failure, and where the service repeats what it was sent. Searched are both outputs, the reports, the recordings, the
state of a cutover, and the command lines of all processes meanwhile. The playbook itself holds the secrets only as
environment variables of the run, by look-up, as a vault would give them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "setup_simulator" / "files"))
from child import ask, child, run_all

SIM: dict[str, Any] = json.loads(sys.argv[1])
FOLDER = Path(sys.argv[2])
PASSWORD, TOKEN, KEY, SECRET_KEY = (
    "Pa55/w0rd+is=secret",
    "tok-en-is-very-secret",
    "ACCESSKEYISSECRET",
    "s3cr3t/key+long==",
)
TEMPORARY, TEMPORARY_KEY, SECURITY_TOKEN = "TEMPORARYKEYSECRET", "temp0rary/secret+key", "security-token-is-secret"
PROXY_PASSWORD = "pr0xy-pa55word"
SECRETS = (PASSWORD, TOKEN, KEY, SECRET_KEY, TEMPORARY, TEMPORARY_KEY, SECURITY_TOKEN, PROXY_PASSWORD)
ACCOUNT = {
    "username": "demo",
    "password": PASSWORD,
    "domain": "simulated-domain",
    "projects": [{"id": SIM["project_id"], "name": "eu-de"}],
    "tokens": [TOKEN],
    "keys": [
        {"access_key": KEY, "secret_key": SECRET_KEY},
        {"access_key": TEMPORARY, "secret_key": TEMPORARY_KEY, "security_token": SECURITY_TOKEN},
    ],
}
TOUCHED = FOLDER / "touched-by-the-service"
HOSTILE = (
    "{{ 111111 * 3 }}{% if true %}{{ 111111 * 3 }}{% endif %}"
    f"{{{{ lookup('ansible.builtin.pipe', 'touch {TOUCHED}') }}}}"
    "\x1b[31mred\x1b]0;title\x07\x9b2J\r\x08"
)
JOBS = [
    {"id": "hostile", "status": "INCRE_TRANSFER_STARTED", "error_code": "DRS.M05011", "error_msg": HOSTILE},
    {"id": "good", "status": "INCRE_TRANSFER_STARTED"},
    # Cutovers of the same jobs, side by side, would be refused.
    {"id": "good-password-options", "status": "INCRE_TRANSFER_STARTED"},
    {"id": "good-keys-options", "status": "INCRE_TRANSFER_STARTED"},
    {"id": "bad", "status": "INCRE_TRANSFER_FAILED"},
    {"id": "echo", "status": "INCRE_TRANSFER_STARTED"},
]
PERSON = {
    "username": "demo",
    "user_domain_name": "simulated-domain",
    "auth_url": SIM["auth_url"],
    "project_name": "eu-de",
}
# The options of each way to log in, and the environment variables that do the same.
LOGINS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "token": (
        {"auth_token": TOKEN, "project_id": SIM["project_id"]},
        {"OS_TOKEN": TOKEN, "OS_PROJECT_ID": SIM["project_id"]},
    ),
    "password": (
        {**PERSON, "password": PASSWORD},
        {
            "OS_USERNAME": "demo",
            "OS_PASSWORD": PASSWORD,
            "OS_USER_DOMAIN_NAME": "simulated-domain",
            "OS_AUTH_URL": SIM["auth_url"],
            "OS_PROJECT_NAME": "eu-de",
        },
    ),
    "keys": (
        {
            "access_key": TEMPORARY,
            "secret_key": TEMPORARY_KEY,
            "security_token": SECURITY_TOKEN,
            "project_id": SIM["project_id"],
        },
        {"OS_ACCESS_KEY": KEY, "OS_SECRET_KEY": SECRET_KEY, "OS_PROJECT_ID": SIM["project_id"]},
    ),
}
WAIT = {"interval": 0.1, "near_interval": 0.1, "stable_samples": 2, "stable_for": 0, "timeout": 5, "request_retries": 0}


def tasks(folder: Path, options: dict[str, str]) -> list[dict[str, Any]]:
    """Modules and the wait: in success, in failure, and where the service echoes."""
    over = {"ignore_errors": True, "loop": ["good", "bad", "echo"]}
    asked = {"jobs": ["{{ item }}"], "request_retries": 0, **options}
    return [
        {"cutover.drs.drs_job_status": asked, **over},
        {"cutover.drs.drs_job_progress": asked, **over, "loop": ["echo"]},
        {"cutover.drs.drs_job_wait": {**asked, **WAIT, "record": f"{folder}/{{{{ item }}}}.jsonl"}, **over},
        {"cutover.drs.drs_job_stop": {**asked, "timeout": 5}, **over, "loop": ["echo"]},
    ]


def gate(folder: Path, options: dict[str, str]) -> dict[str, Any]:
    """The role drs_wait where the service echoes, with its reports."""
    role = {f"drs_wait_{name}": value for name, value in {**WAIT, **options}.items()}
    reports = [f"{folder}/gate{suffix}" for suffix in (".json", ".html", ".md", ".xml", ".prom")]
    more = {"drs_wait_jobs": ["echo"], "drs_wait_fail": False, "drs_wait_reports": reports}
    return {"ansible.builtin.include_role": {"name": "cutover.drs.drs_wait"}, "vars": {**role, **more}}


def cutover(folder: Path, options: dict[str, str]) -> dict[str, Any]:
    role = {f"drs_cutover_{name}": value for name, value in {**WAIT, **options}.items()}
    (folder / "nothing.yml").write_text('[{"ansible.builtin.debug": {"msg": "nothing"}}]', encoding="utf-8")
    files = {"drs_cutover_switch_tasks": "nothing.yml", "drs_cutover_journal": f"{folder}/state.json"}
    more = {"drs_cutover_jobs": [f"good-{folder.name}"], "drs_cutover_reports": [f"{folder}/cutover.json"]}
    return {"ansible.builtin.include_role": {"name": "cutover.drs.drs_cutover"}, "vars": {**role, **files, **more}}


def run(name: str, options: dict[str, str], environment: dict[str, str], whole: bool = False) -> str:
    """Run all of it; everything that was written, with what processes were called meanwhile."""
    folder = FOLDER / name
    folder.mkdir()
    # What is secret stands in the environment under a name of no meaning to the plugins.
    hidden = {f"GIVEN_{option.upper()}": value for option, value in options.items()}
    looked_up = {option: f"{{{{ lookup('ansible.builtin.env', 'GIVEN_{option.upper()}') }}}}" for option in options}
    given = {**looked_up, "endpoint": SIM["endpoint"]}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks(folder, given)}
    play["tasks"] += [gate(folder, given), cutover(folder, given)] if whole else []
    called = ""
    with child([play], folder, "-vvvv", environment={**hidden, **environment}) as started:
        while started.process.poll() is None:
            called += subprocess.run(["ps", "-eww", "-o", "args="], check=True, capture_output=True, text=True).stdout
            time.sleep(0.2)
        code = started.end()
    assert code == 0, f"{started.stdout[-3000:]}\n{started.stderr[-3000:]}"
    files = sorted(path for path in folder.rglob("*.*") if path.is_file())
    left = "".join(path.read_text(encoding="utf-8", errors="replace") for path in files)
    # It did what it should: modules and the wait in success, in failure, and with the echo.
    assert '"FULL_INCR_TRANS"' in started.stdout
    assert "failed: HTTP 400 DRS.M00202 Bad request with " in started.stdout
    assert "VERDICT ready" in started.stderr
    assert "VERDICT failed" in started.stderr
    assert "VERDICT error" in started.stderr
    assert '"type":"failed_poll"' in left
    assert "Bad request with " in left
    reports = {path.name for path in files if path.name.startswith(("gate.", "cutover"))}
    assert len(reports) == (8 if whole else 0), reports
    return f"{started.stdout}\n{started.stderr}\n{left}\n{called}"


def no_secret_in(written: str) -> None:
    for secret in SECRETS:
        place = written.find(secret)
        assert place < 0, f"{secret} in ...{written[max(0, place - 300) : place + 100]}"
    # The tokens that a login gave are known to the simulator alone; what is left of them in an echo is the mask.
    assert "X-Auth-Token: ********" in written or "Authorization: SDK-HMAC-SHA256" in written


def by_options(login: str) -> None:
    no_secret_in(run(f"{login}-options", LOGINS[login][0], {}, whole=login != "token"))


def by_environment(login: str) -> None:
    no_secret_in(run(f"{login}-environment", {}, LOGINS[login][1]))


def a_refused_login_and_a_proxy_with_a_password() -> None:
    folder = FOLDER / "refused"
    folder.mkdir()
    proxy = f"http://someone:{PROXY_PASSWORD}@127.0.0.1:9"
    hidden = {"GIVEN_PASSWORD": SECRET_KEY, "GIVEN_TOKEN": TOKEN, "GIVEN_PROXY": proxy}
    given = {name: f"{{{{ lookup('ansible.builtin.env', '{name}') }}}}" for name in hidden}
    wrong = {**LOGINS["password"][0], "password": given["GIVEN_PASSWORD"]}
    proxied = {"auth_token": given["GIVEN_TOKEN"], "project_id": SIM["project_id"], "proxy": given["GIVEN_PROXY"]}
    listed = []
    for options in (wrong, proxied):
        asked = {"jobs": ["good"], "request_retries": 0, "endpoint": SIM["endpoint"], **options}
        listed += [
            {"cutover.drs.drs_job_status": asked, "ignore_errors": True},
            {"cutover.drs.drs_job_wait": {**asked, "timeout": 0}, "ignore_errors": True},
            # ansible-core 2.19 and later show the arguments with what is wrong with one of them.
            {"cutover.drs.drs_job_wait": {**asked, "stable": 3}, "ignore_errors": True},
            {"cutover.drs.drs_job_wait": {**asked, "goal": "caughtup"}, "ignore_errors": True, "no_log": True},
        ]
    play = {"hosts": "localhost", "gather_facts": False, "tasks": listed}
    with child([play], folder, "-vvvv", environment=hidden) as started:
        assert started.end() == 0, started.stdout
    written = f"{started.stdout}\n{started.stderr}"
    assert written.count(" was refused: The username or password is wrong") > 1
    assert written.count("Unsupported parameters for (") > 1
    assert written.count("through the proxy at 127.0.0.1:9: ") > 1
    for secret in SECRETS:
        place = written.find(secret)
        assert place < 0, f"{secret} in ...{written[max(0, place - 300) : place + 100]}"


def a_hostile_service_does_nothing() -> None:
    folder = FOLDER / "hostile"
    folder.mkdir()
    options = {**LOGINS["token"][0], "endpoint": SIM["endpoint"]}
    reports = [str(folder / name) for name in ("gate.json", "gate.html", "gate.md", "gate.xml", "gate.prom")]
    role = {f"drs_wait_{name}": value for name, value in {**WAIT, **options}.items()}
    listed = [
        {"cutover.drs.drs_job_progress": {"jobs": ["hostile"], **options}, "register": "read"},
        # What a playbook does with a text of the service.
        {"ansible.builtin.set_fact": {"said": "{{ read.jobs[0].error_message }}"}},
        {"ansible.builtin.debug": {"msg": "The service says {{ said }}"}},
        {"ansible.builtin.copy": {"content": "{{ said }}", "dest": str(folder / "said.txt"), "mode": "0644"}},
        {
            "ansible.builtin.include_role": {"name": "cutover.drs.drs_wait"},
            "vars": {**role, "drs_wait_jobs": ["hostile"], "drs_wait_reports": reports},
        },
    ]
    play = {"hosts": "localhost", "gather_facts": False, "tasks": listed}
    with child([play], folder, "-v") as started:
        assert started.end() == 2, started.stdout
    shown = f"{started.stdout}\n{started.stderr}"
    assert "The service says" in shown
    assert "VERDICT timeout" in shown
    files = [*reports, str(folder / "said.txt")]
    written = "".join(Path(name).read_text(encoding="utf-8") for name in files)
    assert "{{ 111111 * 3 }}" in written
    # Neither evaluated nor a hole through which it would be.
    assert not TOUCHED.exists()
    assert "333333" not in shown
    assert "333333" not in written
    for control in ("\x1b", "\x07", "\x08", "\x9b"):
        place = shown.find(control)
        assert place < 0, repr(shown[max(0, place - 300) : place + 100])


if __name__ == "__main__":
    echo = {"kind": "echo", "with_job": "echo"}
    ask(SIM["control"], "scenario", {"account": ACCOUNT, "jobs": JOBS, "faults": [echo]}, "PUT")
    tests = {f"{login} by options": (lambda login=login: by_options(login)) for login in LOGINS}
    tests |= {f"{login} by the environment": (lambda login=login: by_environment(login)) for login in LOGINS}
    tests["a hostile service"] = a_hostile_service_does_nothing
    tests["a refused login and a proxy"] = a_refused_login_and_a_proxy_with_a_password
    sys.exit(run_all(tests, 3))
