# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Short names for sessions of nox, which this sets up in .venv: Python 3.10 to 3.13, git and make are all that is needed.
# Names with a space: no target or prerequisite is an absolute path, and every use of one is quoted.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The first that really starts: pyenv leaves names on PATH behind which there is no Python.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.10 python3; do \
	"$$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)
# An environment that is active while make runs must not catch what is installed here.
unexport VIRTUAL_ENV
INSTALL := install() { UV_SYSTEM_CERTS=1 .venv/bin/python -m uv pip install --quiet --python .venv/bin/python "$$@" \
	|| .venv/bin/python -m pip install --quiet "$$@"; }; install
ARGS ?= $(TARGET)
NOX := .venv/bin/python -m nox --session

.PHONY: help
help: ## list these targets; .venv/bin/nox -l lists all sessions
	@awk 'BEGIN { FS = ":.*## " } /^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo test lint sanity units playbooks integration matrix verify docs build venv clean
demo: .venv/nox ## a gate and cutovers, aborted, killed, recovered and done, against the simulator
	@$(NOX) demo -- $(ARGS)
test: .venv/dev ## lint, sanity, units, playbooks and integration, quickly; FULL=1 for all that a change must pass
	@$(NOX) test
lint: .venv/dev ## format, types, documentation, licences; ARGS="mypy yamllint" for some
	@$(NOX) lint -- $(ARGS)
sanity: .venv/dev ## ansible-test sanity; ARGS=plugins/modules/x.py for one file
	@$(NOX) sanity -- $(ARGS)
units: .venv/dev ## the unit tests; ARGS for tests and options of pytest
	@$(NOX) units -- $(ARGS)
playbooks: .venv/dev ## whole cutovers by the role drs_cutover; ARGS for tests and options of pytest
	@$(NOX) playbooks -- $(ARGS)
integration: .venv/dev ## ansible-test integration; ARGS=name for one target
	@$(NOX) integration -- $(ARGS)
matrix: .venv/dev ## all tests with each ansible-core; CORES="2.16 2.22" and ARGS="units" for less
	@CORES="$(CORES)" $(NOX) matrix -- $(ARGS)
verify: .venv/dev ## AGAINST=contract, containers, databases, keystone, wire, model, soak, mutation or fuzz
	@$(NOX) "verify($(or $(AGAINST),contract))" -- $(ARGS)
docs: .venv/dev ## the documentation site, in build/docs
	@$(NOX) docs
build: .venv/dev ## the collection's archive, in build/, with the same contents on every machine
	@$(NOX) build
venv: .venv/dev
clean: ## remove the environment, the caches and what was built
	@"$(PYTHON)" -c 'import shutil, sys; sys.path.insert(0, "tests/tools"); import checkout; shutil.rmtree(checkout.CACHE, True)'
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build tests/output

# The empty files say what was installed: nox alone, which is enough for the demo, or everything.
.venv/nox: tests/requirements/nox.txt
	@test -n "$(PYTHON)" || { echo 'no Python 3.10 to 3.13 found: make PYTHON=/path/to/python' >&2; exit 1; }
	@"$(PYTHON)" -m venv .venv && .venv/bin/python -m pip install --quiet uv && $(INSTALL) -r tests/requirements/nox.txt
	@touch .venv/nox
.venv/dev: .venv/nox tests/requirements/dev.txt
	@$(INSTALL) -r tests/requirements/dev.txt
	@touch .venv/dev
