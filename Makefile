# `make run` and `make test` need Python 3.11, 3.12 or 3.13, make and nothing else; everything else is installed in .venv.

PYTHON ?= python3
CORES ?= all
CONFIG ?= config/config.yaml
BIN := .venv/bin
# pytest's own workers; the suite starts Snakemake, which uses the cores too.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help install named run save pull status test test-all test-versions test-cluster lint bench lock document-config document-resources golden clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

install: .venv/installed ## set up .venv from requirements.lock

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "jetpulse needs Python 3.11, 3.12 or 3.13, '$(PYTHON)' is `$(PYTHON) --version 2>&1`; try: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Before the installation, which takes minutes.
named:
	@test -f "$(CONFIG)" || { echo "make run: CONFIG=$(CONFIG): no such file; ready-made ones are in config/" >&2; exit 1; }

run: named install ## run the default analysis (CONFIG=..., CORES=...) and make results/report.html
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake all versioned --cores $(CORES) --configfile "$(CONFIG)" \
	  --report-after-run --report results/report.html

save: install ## keep the results of a plain `snakemake` with DVC, without running anything again
	PATH="$(CURDIR)/$(BIN):$$PATH" python workflow/scripts/save.py

pull: install ## bring the results of this commit from the DVC remote and have Snakemake accept them
	PATH="$(CURDIR)/$(BIN):$$PATH" python workflow/scripts/pull.py

status: install ## what DVC and Snakemake would run now; runs nothing but the plan
	PATH="$(CURDIR)/$(BIN):$$PATH" sh -c 'dvc repro --quiet plan && dvc status && snakemake --dry-run --quiet rules'

test: install ## run the tests (slow ones left out)
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest -n $(WORKERS) --dist worksteal -m "not slow and not cluster" tests

test-all: install ## run all tests, save for those on a cluster
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest -n $(WORKERS) --dist worksteal -m "not cluster" tests

test-versions: install ## run the tests of DVC on real remotes, a folder and SSH (minutes)
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest -n $(WORKERS) -rs -m slow tests/versions

test-cluster: install ## run the tests on a SLURM that they start; needs root, installs it where there is apt-get
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest -n 3 --dist loadfile -rs -m cluster tests/cluster

lint: install ## check style and workflow: ruff, snakefmt, snakemake --lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --lint --configfile config/tiny.yaml

bench: .venv-bench/installed ## speed beside peers: imaging, waveforms, readers, simulation, training (about 15 minutes)
	PATH="$(CURDIR)/.venv-bench/bin:$$PATH" .venv-bench/bin/python -m benchmarks

.venv-bench/installed: benchmarks/requirements.lock benchmarks/peers.lock
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --requirement benchmarks/requirements.lock
	.venv-bench/bin/pip install --quiet --no-deps --no-build-isolation --requirement benchmarks/peers.lock --editable .
	@touch $@

document-config: install ## write what is generated from the config models
	$(BIN)/jetpulse document-config config

document-resources: install ## write the table of resources in docs/cluster.md
	PATH="$(CURDIR)/$(BIN):$$PATH" python docs/resources.py

golden: install ## write the tests' golden numbers anew
	$(BIN)/python -m tests.golden.numbers

lock: ## resolve pyproject.toml anew into requirements.lock
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet "torch==2.13.0" setuptools ".[workflow,onnx,search,tensorboard,dev]"
	.venv-lock/bin/pip freeze --all --exclude pip --exclude jetpulse | sed 's/+cpu$$//' > requirements.lock
	rm -rf .venv-lock

clean: ## remove environments and caches, keep data and results
	rm -rf .venv .venv-bench .pytest_cache .ruff_cache .hypothesis
