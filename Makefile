# Short names for what is done often. Needs an environment with `pip install -e '.[local,test,lint]'`.
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)

.PHONY: bench bench-peers test lint lock

bench: ## Measure speed and size against the targets, peers beside them when `make bench-peers` has been run.
	$(PYTHON) -m bench

bench-peers: ## Install the peers in environments of their own, below build/bench.
	$(PYTHON) -m bench.peers

test: ## The quick tests.
	$(PYTHON) -m pytest -n 2

lint: ## Format, lint and types.
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy

lock: ## Write the action's locked requirements anew.
	action/lock.sh
