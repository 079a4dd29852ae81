# Everything works from nothing: Python 3.11+ with venv, make and git. `make help` lists the targets.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
STAMP := $(VENV)/.installed
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock"

# The caller's python3 where it will do, else the newest that will.
PYTHON ?= $(firstword $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python; done))

# TESTS="tests/feeds -k stripe" narrows a run; WORKERS=0 runs in one process.
TESTS ?=
WORKERS ?= 2

ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

.PHONY: help python setup run world test lab check nightly bench package dictionary lock clean

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

python: ## Print the interpreter that setup uses; fail where there is none
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer with venv is needed (Debian: python3-venv); set PYTHON=/path/to/python3" >&2; exit 2; }
	@echo $(PYTHON)

SYNC := $(BIN)/uv pip sync --quiet --python $(PY) --require-hashes --compile-bytecode requirements.lock

setup: $(STAMP) ## .venv with everything pinned

# Without a stamp .venv may be half built, and with another folder's it was moved or copied: both start from nothing.
$(STAMP): requirements.lock requirements-setup.lock pyproject.toml
	@test "$$(cat $@ 2>/dev/null)" = "$(CURDIR)" && $(PY) -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' || \
		{ $(MAKE) --no-print-directory python && $(PYTHON) -m venv --clear $(VENV); }
	@rm -f $@
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.lock
	$(SYNC) || { echo "once more with this machine's own certificates"; $(SYNC) --system-certs; }
	$(BIN)/uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@echo "$(CURDIR)" > $@

run: setup ## The main job: payments taken, settled, reconciled, scored; STORY="--payments 60 --seed 7"
	$(REDIS)
	$(PY) -m infra.local.cli story $(STORY)

world: setup ## The benchmark: a simulated world of 100,000 payments reconciled and scored; WORLD="--payments 3000"
	$(PY) -m recon.cli.app story $(WORLD)

# Where there is no Redis server one is fetched, once per machine; the tests that need it say what to do if it cannot be.
REDIS = @$(PY) -m infra.local.redis.install || true

test: setup ## The tests; TESTS="tests/feeds -k stripe" narrows them
	$(REDIS)
	$(PY) -m pytest -n $(WORKERS) --durations=10 --durations-min=2 $(TESTS)

lab: setup ## JupyterLab on notebooks/, with the lake of the last run as notebooks/last
	@if [ -d build/run/world/lake ]; then ln -sfn ../build/run notebooks/last; else rm -f notebooks/last; \
		echo "no run yet: notebooks/last comes with make run"; fi
	$(PY) -m jupyterlab --ServerApp.root_dir=notebooks --ServerApp.ip=127.0.0.1 --LabApp.news_url=None --LabApp.extension_manager=readonly \
		--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB)

check: setup ## What make test leaves out: lint, types, import contracts, SQL lint, browser, Stripe's mock, Trino
	$(BIN)/ruff check .
	$(PY) -m mypy
	$(BIN)/lint-imports --no-logo
	$(PY) -m recon.engine.subset
	$(BIN)/cfn-lint $(filter-out %.asl.yaml,$(wildcard infra/*.yaml))
	$(PY) -m infra.package
	$(PY) -m pytest -m "browser or stripe_mock" $(TESTS) $(NONE_WILL_DO)
	$(TRINO)

# Narrowed by TESTS, a stage may have no test left.
NONE_WILL_DO = || test $$? -eq 5 -a -n "$(TESTS)"

# Where its parts cannot be fetched or run it is left out with the reason, in CI it fails. Each process has a server of its own, so what shares a lake stays together.
TRINO = @start=$$SECONDS; $(PY) -m infra.local.trino.install || case "$$CI" in ""|0|false) ;; *) exit 2;; esac; \
	{ $(PY) -m pytest -n $(WORKERS) --dist loadgroup -m "trino and not nightly" --durations=5 $(TESTS) $(NONE_WILL_DO); } && echo "Trino: $$((SECONDS - start)) s"

nightly: setup ## The tests with the large numbers
	HYPOTHESIS_PROFILE=nightly $(PY) -m pytest -n $(WORKERS) -m "not browser and not trino and not bench" \
		--hypothesis-seed=$${HYPOTHESIS_SEED:-$$(date -u +%Y%m%d)} $(TESTS)
	$(PY) -m infra.local.trino.install
	HYPOTHESIS_PROFILE=nightly $(PY) -m pytest -rP -m trino \
		--hypothesis-seed=$${HYPOTHESIS_SEED:-$$(date -u +%Y%m%d)} $(TESTS)

bench: setup ## The benchmarks; figures go to build/bench.json
	$(PY) -m bench.run $(BENCH)

package: setup ## What functions carry on AWS: build/pipeline.zip, and our code of scheduled runs, build/recon.zip
	$(PY) -m infra.package

dictionary: setup ## Write pipeline/schemas/DICTIONARY.md and infra/lake_tables.yaml anew
	$(PY) -m pipeline.schemas.dictionary
	$(PY) -m infra.lake_tables

# Existing pins stay where they still fit; UPGRADE=--upgrade moves them all.
lock: setup ## Resolve every lock anew, with hashes and without addresses
	$(LOCK) $(UPGRADE) --all-extras pyproject.toml -o requirements.lock
	$(LOCK) --extra pipeline -c requirements.lock pyproject.toml -o requirements-pipeline.lock
	$(LOCK) --extra recon -c requirements.lock pyproject.toml -o requirements-recon.lock
	echo uv | $(LOCK) -c requirements.lock - -o requirements-setup.lock
	printf 'datacompy\nduckdb\npolars\n' | $(LOCK) $(UPGRADE) - -o requirements-bench.lock

clean: ## Remove what the targets made, but for .venv
	rm -rf build dist runs notebooks/last .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
