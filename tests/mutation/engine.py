# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change table, parser, rules, gate and the core of the cutover on purpose, and see that a test notices.

usage: python engine.py [MODULE...] (by make verify AGAINST=mutation, in a copy); a MODULE is e.g. _gate/rules

The changes are those of cosmic-ray, and two of our own. Its own runner starts pytest anew for each change; here each is
tried in a fork of one process that has pytest loaded already. The changed module is given to the import system, so that
no file is ever written.
"""

from __future__ import annotations

import ast
import difflib
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import hypothesis.strategies
import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator, operator_names

# Loaded once for all forks.
for module in ("requests", "yaml", "ansible.module_utils.basic"):
    importlib.import_module(module)

COPY = Path(__file__).resolve().parents[2]
PACKAGE = "ansible_collections.cutover.drs.plugins.module_utils"
JOB, GATE, WAIT, CUTOVER = (f"tests/unit/{name}" for name in ("job", "gate", "wait", "cutover"))
# For each module the folders of its tests, and in the first those that are likely to notice first.
MODULES = {
    "_job/status_table": ((JOB, GATE, WAIT), ("test_status_table",)),
    "_job/records": ((JOB, GATE, WAIT), ("test_parsing", "test_numbers")),
    "_gate/rules": ((GATE, JOB, WAIT), ("test_holds", "test_rules", "test_verdicts")),
    "_gate/gate": ((GATE, JOB, WAIT), ("test_verdicts", "test_streak", "test_budgets")),
    "_cutover/stages": ((CUTOVER,), ("test_stages",)),
    "_cutover/journal": ((CUTOVER,), ("test_stages", "test_begin", "test_stop_stage", "test_journal")),
    "_cutover/journal_json": ((CUTOVER,), ("test_journal", "test_cutover_result")),
    "_cutover/decide": ((CUTOVER,), ("test_stages", "test_begin", "test_stop_stage")),
}
# What takes longer than all others together is asked last: of a change that nothing else noticed.
SLOW = (
    "test_any_json_gives",
    "test_a_wait_of_100_000_polls",
    "test_a_quiet_wait_of_weeks",
    "test_a_long_series_is_thinned_out",
    "test_the_gate_judges_as_the_model_does",
    "test_any_status_and_message",
    "thousand",
    "test_a_killed_writer",
    "test_every_reachable_state",
    "test_a_long_history",
    "process",
    "lock",
)
STAGES = ("likely", "quick", "slow")
# Loaded before pytest could rewrite its assertions, on purpose.
QUIET = ("-W", "ignore::pytest.PytestAssertRewriteWarning")
# Seconds of processor time, and of the clock, for one run of the tests: an endless loop is noticed by these.
CPU_SECONDS = 120
WALL_SECONDS = 900
EXPLAINED = COPY / "docs" / "verified" / "mutation.md"
# Not asked for: the first two need to be told names. What is compared by identity here is None or a member of an
# enumeration: equality is the same, and an order there is none; so only the opposite is tried.
WITHOUT = re.compile(r"VariableReplacer$|VariableInserter$|_Is_(?!IsNot$)|_IsNot_(?!Is$)")


def enums() -> dict[str, list[str]]:
    """Return the members of each enumeration in the modules."""
    found = {}
    for module in MODULES:
        for node in ast.walk(ast.parse(source_of(module))):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id == "Enum" for base in node.bases
            ):
                targets = [line.targets[0] for line in node.body if isinstance(line, ast.Assign)]
                found[node.name] = [target.id for target in targets if isinstance(target, ast.Name)]
    return found


def source_of(module: str) -> str:
    return (COPY / "plugins" / "module_utils" / f"{module}.py").read_text(encoding="utf-8")


class OurOperator(Operator):
    """A change of one leaf of the syntax tree into another text."""

    @classmethod
    def examples(cls) -> tuple[()]:
        return ()

    def mutation_positions(self, node):
        if self.changed(node) is not None:
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        node.value = self.changed(node)
        return node

    def changed(self, node) -> str | None:
        raise NotImplementedError


class ReplaceString(OurOperator):
    """A text that is another one; docstrings and names of type variables are for people."""

    def changed(self, node):
        if node.type == "fstring_string" and node.value.strip():
            return f"{node.value}XX"
        if node.type != "string" or node.parent.type in ("simple_stmt", "suite", "file_input"):
            return None
        if node.get_previous_leaf().get_previous_leaf().value == "TypeVar":
            return None
        start = re.match(r"[a-zA-Z]*(\"\"\"|'''|\"|')", node.value).end()
        return f"{node.value[:start]}XX{node.value[start:]}"


class ReplaceMember(OurOperator):
    """Another member of an enumeration: the table says something else then."""

    def __init__(self, members: dict[str, list[str]]) -> None:
        self._members = members

    def changed(self, node):
        if node.type != "name" or node.parent.type != "trailer":
            return None
        of = node.get_previous_leaf().get_previous_leaf().value
        members = self._members.get(of, [])
        return members[(members.index(node.value) + 1) % len(members)] if node.value in members else None


@dataclass(frozen=True)
class Mutant:
    """A changed module, told by its line before and after."""

    module: str
    number: int
    before: str
    after: str
    source: str

    @property
    def name(self) -> tuple[str, str, str]:
        return self.module, self.before, self.after

    def __str__(self) -> str:
        return f"{self.module}.py:{self.number}\n- {self.before}\n+ {self.after}"


def meaning_of(source: str) -> str:
    """Return the program without its type hints, which nothing reads at run time."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant("")
    return ast.dump(tree)


def mutants(module: str) -> Iterator[Mutant]:
    """Every change of a module that is a program, and another one."""
    source = source_of(module)
    known = {meaning_of(source)}
    operators: list[Operator] = [get_operator(name)() for name in operator_names() if not WITHOUT.search(name)] + [
        ReplaceString(),
        ReplaceMember(enums()),
    ]
    tree = get_ast(source)
    for operator in operators:
        places = sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(tree))
        for occurrence in range(places):
            changed = mutate_code(source, operator, occurrence)
            try:
                meaning = meaning_of(changed or source)
            except SyntaxError:
                continue
            if meaning not in known:
                known.add(meaning)
                yield mutant(module, source, changed)


def mutant(module: str, source: str, changed: str) -> Mutant:
    before, after = source.splitlines(), changed.splitlines()
    (first, last, other) = next(
        (a, b, d)
        for how, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
        if how != "equal"
    )
    told = (" ".join(" ".join(lines[first:end]).split()) for lines, end in ((before, last), (after, other)))
    return Mutant(module, first + 1, *told, changed)


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the import system the changed source of one module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = f"{PACKAGE}.{mutant.module.replace('/', '.')}"

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self._name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mutant.source, f"{self._mutant.module}.py, changed", "exec"), module.__dict__)


def tests(module: str, stage: str) -> list[str]:
    """Return the arguments of pytest: the tests that are likely to notice, all that are quick, or all that are slow."""
    folders, first = MODULES[module]
    every = [str(path.relative_to(COPY)) for folder in folders for path in sorted((COPY / folder).glob("test_*.py"))]
    likely = [f"{folders[0]}/{name}.py" for name in first]
    slow = " or ".join(SLOW)
    return [
        *("-x", "-q", "-p", "no:cacheprovider", "--no-header", *QUIET),
        *("-k", slow if stage == "slow" else f"not ({slow})"),
        *(likely if stage == "likely" else every),
    ]


def fork(module: str, mutant: Mutant | None, stage: str) -> int:
    """Run the tests in a fork; its process id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        signal.alarm(WALL_SECONDS)
        if mutant:
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            sys.meta_path.insert(0, Changed(mutant))
        code = int(pytest.main(tests(module, stage)))
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def few_examples() -> None:
    """Let every property of the gate's tests look at few examples: it is asked once for each change left."""
    register = hypothesis.settings.register_profile

    def registered(name: str, *parent: object, **options: object) -> None:
        register(name, *parent, **{**options, "max_examples": 40})

    # The class refuses a plain assignment.
    type.__setattr__(hypothesis.settings, "register_profile", staticmethod(registered))


def survivors(candidates: Iterable[Mutant], stage: str, lanes: int) -> list[Mutant]:
    """Return the mutants that no test noticed."""
    running: dict[int, Mutant] = {}
    left: list[Mutant] = []
    waiting = iter(candidates)
    done = 0
    while True:
        while len(running) < lanes and (mutant := next(waiting, None)):
            running[fork(mutant.module, mutant, stage)] = mutant
        if not running:
            return left
        child, status = os.wait()
        mutant = running.pop(child)
        done += 1
        if os.waitstatus_to_exitcode(status) == 0:
            left.append(mutant)
            if stage == STAGES[-1]:
                print(f"SURVIVED {mutant}", flush=True)
        if done % 50 == 0:
            print(f"   {stage}: {done} tried, {len(left)} unnoticed so far", flush=True)


def explained() -> set[tuple[str, str, str]]:
    """Return the mutants that the documentation explains: blocks of code in it, of a file's name and pairs of lines."""
    found = set()
    if not EXPLAINED.exists():
        return found
    for block in re.findall(r"^```diff\n(.*?)^```", EXPLAINED.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        module, before = "", ""
        for line in block.splitlines():
            if line.startswith("-"):
                before = line[1:].strip()
            elif line.startswith("+"):
                found.add((module, before, line[1:].strip()))
            else:
                module = line.strip().removesuffix(".py")
    return found


def main(names: Sequence[str]) -> int:
    os.chdir(COPY)
    os.environ.pop("DRS_SEQUENCES", None)
    few_examples()
    # What is loaded is shared by all forks, and need not be looked at in each.
    gc.freeze()
    began = time.monotonic()
    lanes = min(2, os.cpu_count() or 1)
    # One module for each folder of tests.
    for module in {MODULES[name][0]: name for name in names or MODULES}.values():
        for stage in STAGES[1:]:
            if os.waitstatus_to_exitcode(os.waitpid(fork(module, None, stage), 0)[1]):
                print("the tests fail without any change", file=sys.stderr)
                return 2
    print(f"   the tests pass without a change, {time.monotonic() - began:.0f} s", flush=True)
    left: list[Mutant] = []
    number = 0
    for module in names or MODULES:
        changes = list(mutants(module))
        print(f"== {module}: {len(changes)} changes", flush=True)
        unnoticed = changes
        for stage in STAGES:
            unnoticed = survivors(unnoticed, stage, lanes)
        print(f"== {module}: {len(changes) - len(unnoticed)} of {len(changes)} noticed", flush=True)
        left += unnoticed
        number += len(changes)
    known = explained()
    new = [mutant for mutant in left if mutant.name not in known]
    stale = [name for name in known if name not in {m.name for m in left} and (not names or name[0] in names)]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"== {number} changes, {number - len(left)} noticed, {len(left) - len(new)} explained, {len(new)} survived; "
        f"{time.monotonic() - began:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of processor time"
    )
    for module, before, after in stale:
        print(f"   explained but noticed: {module}.py\n- {before}\n+ {after}")
    for each in new:
        print(f"   neither noticed nor explained: {each}")
    return 1 if new or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
