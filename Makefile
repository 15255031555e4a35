# The same without make: docs/setup.md.
# Every target but help and clean makes sure of set-up first, which does nothing when nothing changed.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo test faults crash simulate fuzz signals leaks audit mutants bench test-clients docs dist sbom lint lock upgrade clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 20

setup: ## install everything into .venv; needs Python 3.11 and a package index the first time
	@command -v $(PYTHON) >/dev/null || { echo "set-up: no $(PYTHON) on PATH. On Debian: apt-get install python3." \
	  "Another Python: make setup PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) .ci/set_up.py

demo: setup ## the guided demonstration, on the emulated Salesforce; nothing leaves this machine
	@$(BIN)/sfsync demo $(ARGS)

test: lint ## lint, then every test; needs no network (make test ARGS="-k words" runs some)
	$(BIN)/pytest -n auto --dist loadfile $(ARGS)

faults: setup ## all faults at all writes of all routes, all deaths, all examples; figures and a seed; an hour
	SFSYNC_FAULTS_GRID=1 $(BIN)/pytest tests/faults tests/crash tests/property $(ARGS)

signals: setup ## SIGTERM and SIGINT at 200 moments of a run, about two minutes
	SFSYNC_SIGNALS=200 $(BIN)/pytest tests/faults/test_signals.py $(ARGS)

leaks: setup ## every fault with planted secrets in all forms, searched for in every byte; a few minutes
	SFSYNC_LEAKS=1 $(BIN)/pytest -s tests/leaks $(ARGS)

audit: setup ## the lock: all pinned with hashes, no index named, no known vulnerability (that part needs the network)
	@$(PYTHON) .ci/audit.py

crash: setup ## kill 1,000 processes at chosen moments, then 200 on PostgreSQL (BACKEND=postgres ARGS="--kills 50 --seed 2")
	@PYTHONPATH=tests:tests/faults $(BIN)/python tests/crash/kill_campaign.py $(if $(BACKEND),--backend $(BACKEND)) $(ARGS)

mutants: setup ## planted bugs that the tests must catch, a quarter of an hour (make mutants ARGS=name plants one)
	@$(BIN)/python tests/mutants/run.py $(ARGS)

simulate: setup ## random histories by their seeds, one line each (SEEDS=1-1000; ARGS="--trace" shows what happened)
	@PYTHONPATH=tests:tests/faults $(BIN)/python tests/crash/simulate.py --seeds $(or $(SEEDS),1-200) $(ARGS)

fuzz: setup ## bad files of every kind by their seeds, every row accounted for (SEEDS=1-30; ARGS="--kind K --seed N")
	@PYTHONPATH=tests:tests/fuzz $(BIN)/python tests/fuzz/campaign.py --seeds $(or $(SEEDS),1-30) $(ARGS)

bench: setup ## sfsync, its floors and its peers on a stub (SIZE=quick|full|large|million), then the emulator, then the start (BENCH=sync|emulator|start: one)
	@case "$(BENCH)" in ""|sync) $(BIN)/python tests/bench/bench_sync.py --size $(or $(SIZE),quick) $(ARGS) ;; esac
	@case "$(BENCH)" in ""|start) $(BIN)/python tests/bench/bench_start.py ;; esac
	@case "$(BENCH)" in ""|emulator) for script in tests/bench/bench_emulator_*.py tests/bench/bench_reading.py; do \
	  echo "$$script"; $(BIN)/python $$script || exit 1; done ;; esac

test-clients: setup ## sf, jsforce and simple-salesforce as they are, against the emulator; needs npm (docs/clients.md)
	SFSYNC_TEST_CLIENTS=1 $(BIN)/pytest tests/clients -rs $(ARGS)

docs: setup ## rewrite the generated pages in docs/
	$(BIN)/python tests/contract/emulator/fact_table.py
	$(BIN)/python tests/faults/fault_table.py
	$(BIN)/python tests/unit/explanations/code_page.py
	PYTHONPATH=tests:tests/e2e:tests/faults $(BIN)/python tests/e2e/reference_pages.py

dist: setup ## the sdist and the wheel, into dist, byte for byte the same from the same commit; offline
	@$(BIN)/python .ci/dist.py $(ARGS)

sbom: setup ## the bill of materials of an installation (CycloneDX), into dist; offline
	@$(BIN)/python .ci/sbom.py $(ARGS)

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --cache-dir .mypy_cache/set-up .ci/*.py

lock: ## rewrite requirements.lock after pyproject.toml changed; needs the network
	@$(PYTHON) .ci/set_up.py --lock

upgrade: ## rewrite requirements.lock with the newest versions; needs the network
	@$(PYTHON) .ci/set_up.py --upgrade

clean: ## remove .venv, .tools and every cache
	rm -rf .venv .bench-venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
