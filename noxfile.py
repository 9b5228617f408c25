# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that can be run, as sessions of nox: `.venv/bin/nox -l`. `make` sets nox up and has short names for most.

Most sessions run in the environment of nox itself, which has all that tests/requirements/dev.txt pins. What needs
another ansible-core, or other software, gets an environment of its own in the cache, whose path has no space.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path

import nox

sys.path.insert(0, str(Path(__file__).resolve().parent / "tests" / "tools"))

import checkout
from cores import CORES, RELEASED

nox.needs_version = ">=2025.2.9"
nox.options.envdir = str(checkout.CACHE / "nox")
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "virtualenv"
nox.options.download_python = "never"
# A version without its Python is skipped, and side_by_side.py says so and fails if nothing is left.
nox.options.error_on_missing_interpreters = False
# The longest first, so that several at a time are done soonest; integration and sanity use the same copy.
KINDS = ["units", "playbooks", "integration", "sanity"]
nox.options.sessions = TESTS = [*KINDS, "lint"]

PYTHON = str(checkout.environment() / "bin" / "python")
REQUIREMENTS = Path("tests", "requirements")
# The session test sets QUICK, which leaves out what takes long; FULL adds what else a change must pass. The session
# coverage sets MEASURE.
FULL, QUICK, MEASURE = (bool(os.environ.get(name)) for name in ("FULL", "QUICK", "MEASURE"))
# Whole runs wait for processes and leases on a machine that does much else: in CI a test that fails is run once more, and
# named as such in the summary.
AGAIN = ["--reruns", "1", "-rR"] if FULL else []
COVERAGE = checkout.CACHE / "coverage"
# What ansible-test is asked for when it must be quick, without what lint looks at too; pytest, for the tests that are not
# marked as thorough.
QUICKLY = {
    "sanity": [f"--skip-test={test}" for test in ("pylint", "pep8", "yamllint", "shellcheck")],
    "integration": ["drs_job_progress", "drs_wait_role"],
}
# What the collection is verified against: by tests, with these words to pytest, or by a program of that name.
VERIFIED = {"contract": ["tests/contract"], "keystone": ["tests/keystone"], "wire": ["-n", "2", "tests/wire"]}
VERIFIED["model"] = ["-n", "logical", "tests/unit/gate/test_model.py"]
# Mostly they wait for a lease to run out.
VERIFIED["containers"] = ["-n", "4", *AGAIN, "tests/containers"]
VERIFIED["databases"] = ["-n", "2", "tests/databases"]
AGAINST = (*VERIFIED, "soak", "mutation", "fuzz")
NAME = "ansible_collections.cutover.drs"
# The linters, with what each is called by; mypy is started above ansible_collections.
LINTERS = {
    "ruff-format": "ruff format --check .",
    "ruff-check": "ruff check .",
    "yamllint": "yamllint --strict .",
    "shellcheck": "shellcheck .ci/run",
    "reuse": "reuse lint --lines",
    "antsibull-changelog": "antsibull-changelog lint",
    "mypy": f"mypy --config-file {checkout.COLLECTION}/pyproject.toml -p {NAME}.plugins -p {NAME}.extensions",
    "antsibull-docs": "antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck "
    "--validate-collection-refs=self .",
    "ansible-lint": "ansible-lint --profile production --offline --strict",
}


def python_of(versions: tuple[str, ...]) -> str:
    """Return the first that is there, by its path: the names that pyenv puts on PATH may have no Python behind them."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [folder for folder in os.environ["PATH"].split(os.pathsep) if "shims" not in folder]
    for version in versions:
        path = os.pathsep.join([*folders, *map(str, sorted(pyenv.glob(f"versions/{version}.*/bin")))])
        if found := shutil.which(f"python{version}", path=path):
            return found
    return versions[0]


def run(session: nox.Session, *command: str, **settings: str) -> None:
    """Run a module of the environment of nox."""
    session.run(PYTHON, "-m", *command, external=True, env=settings)


def program(session: nox.Session, settings: dict[str, str], name: str, *options: str) -> None:
    """Run a program of that environment, with these variables alone; its output is shown only when it fails."""
    command = [*checkout.program(name), *options]
    session.run(*command, external=True, silent=True, log=False, env=settings, include_outer_env=False)


def install(session: nox.Session, *requirements: str) -> str:
    """Bring the session's environment up to date, with uv, or with pip where uv cannot; its Python."""
    python = str(Path(session.bin) / "python")
    uv = [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", python, *requirements]
    try:
        # The certificates of the machine, as pip is often told to trust: a company's proxy has its own.
        session.run_install(*uv, external=True, silent=True, env={"UV_SYSTEM_CERTS": "1"})
    except nox.command.CommandFailed:
        session.install("--quiet", *requirements)
    return python


def tests(session: nox.Session, kind: str, folder: str, *options: str) -> None:
    """Run pytest with what the command line adds, in the folder if it names no test."""
    named = any(Path(word.partition("::")[0]).exists() for word in session.posargs)
    chosen = session.posargs or (["-m", "not thorough"] if QUICK else [])
    pytest = ["pytest", f"--junitxml=build/junit/{kind}.xml", *AGAIN, *options, *chosen, *([] if named else [folder])]
    COVERAGE.mkdir(parents=True, exist_ok=True)
    for stale in COVERAGE.glob(f"{kind}.*"):
        stale.unlink()
    run(session, *(["coverage", "run", "-m"] if MEASURE else []), *pytest, COVERAGE_FILE=str(COVERAGE / kind))


def ansible_test(session: nox.Session, kind: str, *options: str) -> None:
    """Run ansible-test with what the command line adds, or quickly if that is asked for."""
    chosen = session.posargs or (QUICKLY[kind] if QUICK else [])
    session.run(PYTHON, "tests/tools/ansible_test.py", kind, *options, *chosen, external=True)


def side_by_side(session: nox.Session, *sessions: str, **settings: str) -> None:
    """Run sessions side by side, with what the command line adds to each."""
    words = [*sessions, "--", *session.posargs]
    session.run(PYTHON, "tests/tools/side_by_side.py", *words, external=True, env=settings)


@nox.session
def demo(session: nox.Session) -> None:
    """Run a gate and cutovers, aborted, killed, recovered and done, against the simulator."""
    python = install(session, "-r", str(REQUIREMENTS / "demo.txt"))
    play = ["-m", "ansible", "playbook", "-e", f"ansible_python_interpreter={python}", "playbooks/demo.yml"]
    session.run(python, *play, *session.posargs, env=checkout.playbook_variables(session.bin), include_outer_env=False)


@nox.session(python=False)
def test(session: nox.Session) -> None:
    """Run lint, sanity, units, playbooks and integration, quickly; with FULL=1 all that a change must pass."""
    if not FULL:
        side_by_side(session, *TESTS, QUICK="1")
        return
    # The oldest and the newest ansible-core for which there is a Python.
    at_hand = [name for name in RELEASED if "/" in python_of(CORES[name].pythons)] or list(RELEASED)
    newest, *oldest = dict.fromkeys((f"core({at_hand[-1]})", f"core({at_hand[0]})"))
    Path("build", "failed.txt").unlink(missing_ok=True)
    failed = False
    # The examples mostly wait for each other. The last one by itself: its leases last seconds, and beside others a
    # machine may be too slow for them.
    for together in ([newest, "examples", *oldest, *TESTS, "eda", "verify(contract)", "docs"], ["verify(containers)"]):
        try:
            side_by_side(session, *together, QUICK="1")
        except nox.command.CommandFailed:
            failed = True
    if failed:
        session.error("what failed is named above")


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """Check format, types, documentation and licences; names of linters for some."""
    names = session.posargs or list(LINTERS)
    if unknown := set(names) - set(LINTERS):
        session.error(f"no such linter: {', '.join(unknown)}; there are {', '.join(LINTERS)}")
    failed = []
    with checkout.copied("lint") as copy:
        root = copy.parents[2]
        # Linters go by the suffix, which some files of roles must not have; see roles/drs_cutover/tasks/main.
        for path in copy.glob("roles/*/tasks/*"):
            path.rename(path.with_suffix(".yml"))
        places = {name: str(root) for name in ("ANSIBLE_COLLECTIONS_PATH", "MYPYPATH")}
        places |= {f"{name.upper()}_CACHE_DIR": str(root / name) for name in ("mypy", "ruff")}
        settings = checkout.variables(**places, NO_COLOR="1", PYTHONDONTWRITEBYTECODE="1")
        for name in names:
            with session.chdir(root if name == "mypy" else copy):
                try:
                    program(session, settings, *shlex.split(LINTERS[name]))
                    session.log(f"{name}: ok")
                except nox.command.CommandFailed:
                    session.warn(f"{name}: FAILED")
                    failed.append(name)
    if failed:
        session.error(f"{', '.join(failed)} failed")


@nox.session(python=False)
def sanity(session: nox.Session) -> None:
    """Run ansible-test sanity; paths of files for some."""
    ansible_test(session, "sanity")


@nox.session(python=False)
def units(session: nox.Session) -> None:
    """Run the unit tests with pytest; its options and tests for some."""
    tests(session, "units", "tests/unit", "-n", "logical")


@nox.session(python=False)
def playbooks(session: nox.Session) -> None:
    """Run whole playbooks of the role drs_cutover with pytest; its options, such as -k freeze, for some."""
    # Most of them wait: for a gate, for the end of a process.
    tests(session, "playbooks", "tests/playbooks", "-n", "4")


@nox.session(python=False)
def integration(session: nox.Session) -> None:
    """Run ansible-test integration; names of targets for some."""
    ansible_test(session, "integration", *(["--coverage"] if MEASURE else []))


@nox.session(python=False)
def coverage(session: nox.Session) -> None:
    """Run units, playbooks and integration measured, and fail below the limit; by itself, for it is slow."""
    side_by_side(session, "integration", "units", "playbooks", QUICK="1", MEASURE="1")
    copy = checkout.CACHE / checkout.core_version() / checkout.COLLECTION
    measured = {
        "units": [*COVERAGE.glob("units.*")],
        # A process that was killed while it wrote leaves a file without the mark of a complete one.
        "playbooks": [*COVERAGE.glob("playbooks.*h")],
        "integration": [*copy.glob("tests/output/coverage/integration=*")],
    }
    if missing := [kind for kind, data in measured.items() if not data]:
        session.error(f"not measured: {', '.join(missing)}")
    joined = f"--data-file={COVERAGE / 'joined'}"
    every = [str(path) for data in measured.values() for path in data]
    run(session, "coverage", "combine", "--keep", "--quiet", joined, *every)
    run(session, "coverage", "json", "--quiet", "-o", "build/coverage.json", joined)
    # Of lines alone: --fail-under would mix in the branches.
    totals = json.loads(Path("build/coverage.json").read_text(encoding="utf-8"))["totals"]
    if (lines := 100 * totals["covered_lines"] / totals["num_statements"]) < 95:
        run(session, "coverage", "report", joined)
        session.error(f"{lines:.1f} % of the lines of plugins/ are covered, and 95 % must be")
    session.log(f"{lines:.1f} % of the lines of plugins/ are covered; build/coverage.json has them all")


@nox.session(name="core")
@nox.parametrize("python,core", [nox.param(python_of(core.pythons), name, id=name) for name, core in CORES.items()])
def with_core(session: nox.Session, core: str) -> None:
    """Test with one ansible-core; the kinds of tests for some."""
    requirements = ["-r", "tests/unit/requirements.txt", "-r", "tests/integration/requirements.txt"]
    python = install(session, CORES[core].requirement(core), *requirements)
    newest = core == RELEASED[-1]
    # Of CI: with the oldest what make test runs, with the newest all that it leaves out. The units know little of Ansible.
    marked = ["-m", "thorough" if newest else "not thorough"] if QUICK else []
    by_pytest = {"playbooks": ["-n", "4", "tests/playbooks"], "units": ["-n", "2", "tests/unit"]}
    commands = []
    kinds = KINDS if newest or not QUICK else [kind for kind in KINDS if kind != "units"]
    for kind in session.posargs or kinds:
        if kind in by_pytest:
            commands.append(["-m", "pytest", *AGAIN, *marked, *by_pytest[kind]])
        else:
            commands.append(["tests/tools/ansible_test.py", kind, *(QUICKLY[kind] if QUICK and not newest else ())])
        if kind == "units" and newest:
            # It forks for each test, so that all of them would take twice as long as with pytest.
            commands.append(["tests/tools/ansible_test.py", kind, "tests/unit/modules/"])
    failed = []
    for command in commands:
        # One that fails does not hide what the others say.
        try:
            session.run(python, *command)
        except nox.command.CommandFailed:
            failed.append(" ".join(command))
    if failed:
        session.error(f"{', '.join(failed)} failed")


@nox.session(python=False)
def matrix(session: nox.Session) -> None:
    """Test with each ansible-core; CORES="2.16 2.22" and kinds of tests for less."""
    side_by_side(session, *(f"core({core})" for core in os.environ.get("CORES", "").split() or CORES))


@nox.session(python=False)
def examples(session: nox.Session) -> None:
    """Run what the documentation shows, as it is written."""
    run(session, "pytest", "-n", "logical", *AGAIN, *session.posargs, "tests/docs")


@nox.session
def eda(session: nox.Session) -> None:
    """Test the event source with the real ansible-rulebook, and the execution environment."""
    if not shutil.which("java"):
        session.error("ansible-rulebook needs Java 17 or later; on Debian: apt-get install openjdk-17-jre-headless")
    python = install(session, "-r", str(REQUIREMENTS / "eda.txt"))
    settings = checkout.variables(session.bin)
    session.run(python, "-m", "pytest", *(session.posargs or ["tests/eda"]), env=settings, include_outer_env=False)


@nox.session
@nox.parametrize("against", AGAINST, ids=AGAINST)
def verify(session: nox.Session, against: str) -> None:
    """Verify the collection against other software, a model of it, changes of its code, or time."""
    settings = {"DRS_CACHE": str(checkout.CACHE), "DRS_SEQUENCES": os.environ.get("SEQUENCES", "1000000")}
    if (REQUIREMENTS / f"{against}.txt").exists():
        install(session, "-r", str(REQUIREMENTS / f"{against}.txt"))
        settings["DRS_PEER"] = session.bin
    if against in VERIFIED:
        quickly = ["-m", "not thorough"] if QUICK else []
        run(session, "pytest", *(session.posargs or [*quickly, *VERIFIED[against]]), **settings)
    elif against == "mutation":
        with checkout.copied("mutation") as copy, session.chdir(copy):
            session.run("python", "tests/mutation/engine.py", *session.posargs)
    else:
        python = "python" if against == "fuzz" else PYTHON
        settings["PYTHONPATH"] = str(checkout.collections_path())
        session.run(python, f"tests/{against}/run.py", *session.posargs, external=True, env=settings)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure reading, waiting, verdicts and sizes side by side with what people use today."""
    install(session, "-r", str(REQUIREMENTS / "bench.txt"))
    session.run(PYTHON, "tests/bench/bench.py", *session.posargs, external=True, env={"DRS_PEER": session.bin})


@nox.session(python=False)
def docs(session: nox.Session) -> None:
    """Build the documentation site in build/docs, with every warning an error, such as a link to no page."""
    site, texts, output = checkout.CACHE / "site", checkout.CHECKOUT / "docs" / "docsite", Path("build/docs").resolve()
    shutil.rmtree(site, ignore_errors=True)
    shutil.copytree(texts / "site", site)
    # antsibull-docs wants folders that nobody else can write to.
    site.chmod(0o700)
    (site / "rst").chmod(0o700)
    settings = checkout.variables(ANSIBLE_COLLECTIONS_PATH=str(checkout.collections_path()), NO_COLOR="1")
    with session.chdir(site):
        strict = ["--cleanup", "everything", "--use-current", "--fail-on-error", "--dest-dir", "rst", "cutover.drs"]
        program(session, settings, "antsibull-docs", "--config-file", "antsibull-docs.cfg", "collection", *strict)
        # antsibull-docs takes the texts of a collection, not their images.
        shutil.copytree(texts / "rst" / "images", "rst/collections/cutover/drs/docsite/images")
        sphinx = ["sphinx-build", "-M", "html", "rst", "build", "-c", ".", "-W", "--keep-going", "-j", "auto"]
        program(session, settings, *sphinx)
    shutil.rmtree(output, ignore_errors=True)
    shutil.copytree(site / "build" / "html", output)


@nox.session(python=False)
def build(session: nox.Session) -> None:
    """Build the collection's archive in build/, with the same contents on every machine."""
    archive_of(session)


@nox.session
def release(session: nox.Session) -> None:
    """Build the archive and check it as Galaxy will; name the tag, such as v1.0.0, to check that it is this version."""
    archive = archive_of(session)
    if session.posargs and f"cutover-drs-{session.posargs[0].removeprefix('v')}.tar.gz" != archive.name:
        session.error(f"the tag is {session.posargs[0]}, and galaxy.yml makes {archive.name}")
    python = install(session, "-r", str(REQUIREMENTS / "release.txt"))
    settings = checkout.variables(session.bin)
    # It writes into the folder in which it starts.
    place = checkout.CACHE / "importer"
    place.mkdir(parents=True, exist_ok=True)
    with session.chdir(place):
        checked = session.run(
            *(python, "-m", "galaxy_importer.main", str(archive)), env=settings, include_outer_env=False, silent=True
        )
    session.log(str(checked))
    if wrong := [line for line in str(checked).splitlines() if line.startswith(("WARNING", "ERROR"))]:
        session.error(f"Galaxy would complain: {'; '.join(wrong)}")


def archive_of(session: nox.Session) -> Path:
    """Build the archive; its path."""
    from build import repack

    time = str(session.run("git", "log", "-1", "--format=%ct", external=True, silent=True, log=False))
    with checkout.copied("build") as copy:
        # From what git knows.
        galaxy = ["collection", "build", "--force", "--output-path", str(checkout.CACHE / "built"), str(copy)]
        program(session, checkout.variables(), "ansible-galaxy", *galaxy)
    built = max((checkout.CACHE / "built").glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    archive = Path("build", built.name)
    session.log(f"{archive}, SHA-256 {repack(built, archive, int(time))}")
    return archive.resolve()


@nox.session(python=False)
def generate(session: nox.Session) -> None:
    """Write what derives from documentation: options of roles, the schema of the event source."""
    run(session, f"{NAME}.tests.generated.write", PYTHONPATH=str(checkout.collections_path()))


@nox.session(python=False)
def lock(session: nox.Session) -> None:
    """Pin the requirements anew: tests/requirements/*.in to *.txt."""
    compiler = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.10", "--upgrade"]
    compiler += ["--annotation-style", "line", "--custom-compile-command", "nox -s lock"]
    elsewhere = {"units": "../unit/requirements.txt", "integration": "../integration/requirements.txt"}
    like = {"dev": "demo.txt", **dict.fromkeys(("nox", "units", "integration", "eda"), "dev.txt")}
    with session.chdir(REQUIREMENTS):
        for name in filter(lambda name: Path(f"{name}.in").exists(), ("demo", *like, "bench", "release", *AGAINST)):
            constraint = ["-c", like[name]] if name in like else []
            run(session, *compiler, *constraint, f"{name}.in", "-o", elsewhere.get(name, f"{name}.txt"))
