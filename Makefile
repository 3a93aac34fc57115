# Two commands matter: `make book` renders the book, `make test` runs everything CI runs.
# Both make the same environment in .venv first. `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -eo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
JOBS ?= 2

# Torch comes first and by itself. On Linux the "+cpu" in its version is a build that PyPI does not carry
# and CUDA never matches, so nothing can pull gigabytes of GPU libraries by accident. It is taken from
# wherever pip is configured to look and, if that has none, from TORCH_INDEX. For another build:
#   make TORCH=torch==2.13.0 TORCH_INDEX=https://download.pytorch.org/whl/cu128 book
TORCH ?= torch==2.13.0$(if $(filter Linux,$(shell uname -s)),+cpu)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

# One thread a process: on two cores, two workers with one thread each beat one with two.
export OMP_NUM_THREADS ?= 1
export PYTHONUTF8 := 1
# tests/test_colab.py makes an environment of its own, with torch from the same place.
export TORCH_INDEX

# make check tests what changed since this commit: where the branch left origin/main. BASE= tests everything.
BASE ?= $(shell git merge-base HEAD origin/main 2>/dev/null)
# make colab runs three notebooks; those of chapters changed since a commit (COLAB=commit); or COLAB=all.
COLAB ?=
export COLAB
SPENT = $(BIN)/python -m coursekit.spent

READY := $(VENV)/.ready
SITE := _build/html/index.html
RENDERED := _build/.rendered
CODE := $(shell find src -name '*.py' -o -name '*.json' 2>/dev/null | grep -v egg-info)
PAGES := $(shell find book solutions -name '*.md' -o -name '*.ipynb' -o -name '*.bib' -o -name '*.yml' \
	-o -name '*.json' -o -name '*.html' -o -name '*.css' -o -name '*.js' -o -name '*.svg' 2>/dev/null) \
	$(shell find web -type f -not -path '*/node_modules/*' 2>/dev/null)

.PHONY: help book serve notebooks check lint test grading nbval colab requirements clean

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python found: install Python 3.11 or newer, or set PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$$($(PYTHON) --version) is too old: install Python 3.11 or newer, or set PYTHON=…"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q '$(TORCH)' 2>/dev/null || \
		$(BIN)/python -m pip install -q '$(TORCH)' --index-url $(TORCH_INDEX)
	$(BIN)/python -m pip install -q -r requirements.txt
	$(BIN)/python -m pip install -q --no-deps -e .
	@touch $@

# The stored outputs go to Jupyter Book's cache first, so that nothing is executed. -n -W: a reference
# that leads nowhere is an error, here as in CI.
$(RENDERED): $(READY) _config.yml _toc.yml $(CODE) $(PAGES)
	$(BIN)/coursekit cache
	$(BIN)/jupyter-book build . -n -W --keep-going
	@touch $@

book: $(RENDERED) ## Render the book and say where it is
	@echo "The book: file://$(CURDIR)/$(SITE)  (make serve shows it at http://localhost:$(PORT)/)"

serve: book ## Show the book at http://localhost:8000/ (PORT=… for another port)
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

notebooks: $(READY) ## Derive all notebooks and execute those that changed
	$(BIN)/coursekit notebooks

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint ## Lint, types, derivation, and the quick tests of what changed since BASE; says what it left out
	$(BIN)/coursekit notebooks --check
	@chosen=$(if $(BASE),$$($(BIN)/coursekit affected --tests $(BASE)),tests) && \
	if test -z "$$chosen"; then echo "Nothing that a test looks at has changed since $(BASE)."; exit 0; fi; \
	$(BIN)/python -m pytest -q -m "not slow and not long and not browser" -n $(JOBS) --dist loadfile \
		$$chosen || test $$? = 5 # none of what changed has a quick test

test: $(READY) ## Everything CI runs: lint, types, derivation, site, all tests, notebooks by nbval
	$(SPENT) lint $(MAKE) --no-print-directory lint
	$(SPENT) derivation $(BIN)/coursekit notebooks --check
	$(SPENT) site $(MAKE) --no-print-directory book
	$(BIN)/python -m pytest -m "not long" -n $(JOBS) --dist loadfile --seconds-of=tests
	$(MAKE) --no-print-directory nbval

grading: $(READY) ## The long tests of the grader: the whole corpus in each level, killed runs
	$(BIN)/python -m pytest -m long

# --dist loadfile: the cells of one notebook share a kernel, so they must run in one worker.
nbval: $(READY)
	$(BIN)/python -m pytest --nbval --nbval-current-env book solutions -n $(JOBS) --dist loadfile \
		--seconds-of=nbval

colab: $(READY) ## Run the notebooks as Colab would: fresh environment, empty folder, one notebook
	$(BIN)/python -m pytest tests/test_colab.py

requirements: $(READY) ## Pin what is installed in .venv now, as the environment of the stored outputs
	$(BIN)/python -m coursekit.pins > requirements.new
	mv requirements.new requirements.txt
	@touch $(READY)

clean: ## Remove what was built (the environment too); committed notebooks stay
	rm -rf _build $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis src/*.egg-info
