# Common commands. A fresh machine needs only make and Python 3.11 or newer.
# PYTHON=/path/to/python selects the Python for the environment.

VENV    := .venv
PIP     := $(VENV)/bin/python -m pip --quiet --disable-pip-version-check
# Python compiles a module when it is first imported, and most modules of the packages never are.
INSTALL := $(PIP) install --no-compile
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)

.PHONY: help venv demo test test-slow check docs safety attacks bench release-check
.DEFAULT_GOAL := help
# Tests and benchmarks start hundreds of Python processes. Where images for containers disable
# bytecode, each of them would compile all modules that it imports.
export PYTHONDONTWRITEBYTECODE :=
.NOTPARALLEL:

help:
	@echo "make demo       train, plot and save a small model: the tour"
	@echo "make test       run the tests of every module; ten minutes on two cores"
	@echo "make test-slow  run the rest: full products of options, long runs, large models"
	@echo "make check      formatting, lint, types and architecture; under a minute"
	@echo "make docs       build the documentation site in build/site; a minute"
	@echo "make safety     run random programs with heap checks, the quick form; two minutes"
	@echo "make attacks    kill, damage, interrupt and fill the disk, the quick form; two minutes"
	@echo "make bench      run the benchmarks"
	@echo "make release-check  build sdist and wheel in dist, and test both elsewhere; five minutes"
	@echo "make venv       only create the environment in $(VENV)"

venv: $(VENV)/.dev

demo: $(VENV)/.package
	$(VENV)/bin/python -m cornu demo

test: $(VENV)/.dev
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal

test-slow: $(VENV)/.dev
	$(VENV)/bin/python -m pytest -n 2 --dist worksteal -m slow

check: $(VENV)/.dev
	scripts/check

docs: $(VENV)/.dev
	$(VENV)/bin/python -m scripts.site
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --quiet

safety: $(VENV)/.dev
	$(VENV)/bin/python -m benchmarks.safety --quick

attacks: $(VENV)/.dev
	$(VENV)/bin/python -m benchmarks.attacks --quick

bench: $(VENV)/.bench
	$(VENV)/bin/python -m benchmarks

release-check: $(VENV)/.made
	$(VENV)/bin/python -m scripts.check_release

# Three stamp files, so that the demo only installs what the library itself needs. The package
# is installed editable: changes of pyproject.toml need a new installation, changes of code do not.
$(VENV)/.package: pyproject.toml | $(VENV)/.made
	@echo "Installing cornu into $(VENV); the first time takes a minute or two."
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.package
	@echo "Installing the test tools and the libraries that the tests compare with."
	$(INSTALL) --editable '.[dev,docs,parity,ecosystem,bench,serve,modernize]'
	@touch $@

$(VENV)/.bench: $(VENV)/.package
	$(INSTALL) --editable '.[bench]'
	@touch $@

# A name on the path may be an empty launcher or an old Python, so each candidate is run and
# asked for its version. A working environment is kept; an incomplete one is created again.
$(VENV)/.made:
	@$(VENV)/bin/python -c 'import pip' 2>/dev/null && exit 0; \
	for python in $(PYTHONS); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  echo "Creating $(VENV) with $$("$$python" --version)."; \
	  "$$python" -m venv --clear $(VENV) && exit 0; \
	  echo "Python has no working venv module; on Debian: apt install python3-venv." >&2; exit 1; \
	done; \
	echo "cornu needs Python 3.11 or newer; none of these is: $(PYTHONS)." >&2; \
	echo "Install one, or name it: make $(or $(MAKECMDGOALS),venv) PYTHON=/path/to/python" >&2; exit 1
	@touch $@
