# Copyright (c) 2026, the cutover.drs authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# From a plain clone, in a folder of any name: Python 3.10 to 3.13, git and make are all that is needed.
# Names with a space: no target or prerequisite is an absolute path, and every use of one is quoted.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The first that really starts: pyenv leaves names on PATH behind which there is no Python.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.10 python3; do \
	"$$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)

SETUP := @test -n "$(PYTHON)" || { echo 'no Python 3.10 to 3.13 found: make PYTHON=/path/to/python' >&2; exit 1; }; \
	"$(PYTHON)" tests/tools/setup_venv.py .venv
# Measured, all of it is slower: less at once, so that the waits of the tests keep their pace.
MEASURED := integration:1/1,playbooks --then coverage_gate
STEPS := .venv/bin/python tests/tools/steps.py
export TARGET ARGS CORES KINDS MEASURE

##@ Everyday
.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: venv-demo ## the wait role against the simulator, with live lines and an HTML report
	@$(STEPS) demo

.PHONY: test
test: venv ## lint, sanity, units, integration and playbooks; MEASURE=1 for their coverage too, which takes twice as long
	@$(STEPS) sanity,lint,units $(if $(MEASURE),$(MEASURED),integration:1/1,playbooks)

##@ One step
.PHONY: lint
lint: venv ## format, lint, types, documentation, licences; ARGS="mypy yamllint" for some
	@$(STEPS) lint

.PHONY: sanity
sanity: venv ## ansible-test sanity; TARGET=plugins/modules/x.py for one file
	@$(STEPS) sanity

.PHONY: units
units: venv ## the unit tests; TARGET=path::name for some, ARGS for options of pytest
	@$(STEPS) units

.PHONY: integration
integration: venv ## ansible-test integration; TARGET=name for one
	@$(STEPS) integration

.PHONY: playbooks
playbooks: venv ## whole playbooks of the role drs_cutover; ARGS="-k freeze" for some
	@$(STEPS) playbooks

.PHONY: matrix
matrix: venv ## ansible-core 2.16 to 2.21; CORES=ends or "2.16 2.21", KINDS="units" for less
	@$(STEPS) matrix

.PHONY: examples
examples: venv ## run what the documentation shows, as it is written
	@$(STEPS) examples

.PHONY: test-eda
test-eda: venv ## the event source with the real ansible-rulebook, and the execution environment; ARGS for pytest
	@$(STEPS) test-eda

##@ Proofs and benchmarks
.PHONY: contract keystone wire proof prove soak fuzz mutation bench
contract: venv ## the vendor's SDK, schemathesis and prism against simulator and client
	@.venv/bin/python tests/tools/proof.py contract -- $(ARGS)
keystone: venv ## logins and waits at a real Keystone, whose tokens live five seconds
	@.venv/bin/python tests/tools/proof.py keystone -- $(ARGS)
wire: venv ## mitmproxy between collection and simulator: faults at each poll
	@.venv/bin/python tests/tools/proof.py wire -- $(ARGS)
proof: venv ## all three of these
	@.venv/bin/python tests/tools/proof.py contract keystone wire -- $(ARGS)
prove: venv ## a million sequences of polls, gate against model; DRS_PROVE=N for more or fewer
	@DRS_PROVE=$${DRS_PROVE:-1000000} nice .venv/bin/python -m pytest -n 2 tests/unit/gate/test_model.py $(ARGS)
soak: venv ## a month of polls in minutes with 5 % faults; SOAK_POLLS=20000 for less
	@.venv/bin/python tests/tools/soak.py
mutation: venv ## change table, parser, rules and gate on purpose; ARGS=_gate for one
	@.venv/bin/python tests/tools/mutate.py $(ARGS)
fuzz: venv ## answers and recordings, by coverage; FUZZ_SECONDS=300
	@.venv/bin/python tests/tools/fuzz.py $(ARGS)
bench: venv ## reading, waiting, verdicts and sizes side by side with what people use today
	@.venv/bin/python tests/bench/bench.py $(ARGS)

##@ Release and upkeep
.PHONY: docs
docs: venv ## the documentation site, in build/docs, with its links checked
	@$(STEPS) docs

.PHONY: build
build: venv ## the collection's archive, in build/, with the same contents on every machine
	@.venv/bin/python tests/tools/build.py

.PHONY: roles
roles: venv ## copy options and return values to the roles and plugins that repeat them, from their documentation
	@.venv/bin/python tests/tools/role_options.py

.PHONY: lock
lock: venv ## pin the requirements anew: tests/requirements/*.in to *.txt
	@cd tests/requirements && lock() { "$$OLDPWD/.venv/bin/python" -m uv pip compile --quiet --universal --python-version 3.10 \
		--annotation-style line --custom-compile-command 'make lock' --upgrade "$$@"; } \
	&& lock demo.in -o demo.txt \
	&& lock -c demo.txt dev.in -o dev.txt \
	&& lock -c dev.txt units.in -o ../unit/requirements.txt \
	&& lock -c dev.txt integration.in -o ../integration/requirements.txt \
	&& lock -c dev.txt eda.in -o eda.txt \
	&& for name in bench contract keystone wire mutation fuzz; do lock $$name.in -o $$name.txt; done

.PHONY: clean
clean: ## remove the environment, the caches and what was built
	@"$(PYTHON)" -c 'import shutil, sys; sys.path.insert(0, "tests/tools"); import checkout; shutil.rmtree(checkout.CACHE, True)'
	@rm -rf .venv .venv.lock .mypy_cache .pytest_cache .ruff_cache .hypothesis build tests/output

.PHONY: venv venv-demo
venv: ## the environment .venv with everything the other targets use
	$(SETUP) tests/requirements/dev.txt
venv-demo:
	$(SETUP) tests/requirements/demo.txt
