# Everything a person or CI runs; needs Python 3.11 or newer and make, nothing else.
PYTHON ?= python3
BIN := .venv/bin
AZURE := .venv-azure/bin
SOURCES := pyproject.toml labextension/package.json $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null)
NOTEBOOK ?= examples/quickstart.ipynb

# Where it is set, each of the many processes compiles all that it imports: MLflow takes three times as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo lab test azure-emulator check schema docs bench build clean help

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "jupyter_mltrack needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv

# $(call install,FOLDER,EXTRAS): uv takes a fraction of pip's time; pip is asked where uv finds no way, and
# where the person's settings name another index, which only pip reads.
comma := ,
PIP = $(1)/python -m pip --disable-pip-version-check --quiet
define install
	@{ ! $(PIP) config list | grep -q '[.]index-url=' \
	  && { test -x $(BIN)/uv || $(BIN)/python -m pip --quiet install uv; } \
	  && $(BIN)/uv pip install --quiet --python $(1)/python --editable '.[$(2)]'; } 2>/dev/null \
	  || $(PIP) install --editable '.[$(2)]'
endef

# One stamp for each set of packages, renewed when the sources of the page or the metadata change.
.venv/.installed-%: $(SOURCES) | $(BIN)/python
	@echo "Installing jupyter_mltrack with what '$*' needs (a few minutes the first time) ..."
	$(call install,$(BIN),$*)
	@touch $@

# Azure's clients bound MLflow's version, so they have an environment of their own; the page is built already.
.venv-azure/.installed: export HATCH_JUPYTER_BUILDER_SKIP_NPM := 1
.venv-azure/.installed: $(SOURCES) | .venv/.installed-test
	@echo "Installing jupyter_mltrack with Azure's clients (a few minutes the first time) ..."
	@$(AZURE)/python -c '' 2>/dev/null || $(BIN)/python -m venv .venv-azure
	$(call install,$(AZURE),test$(comma)azure)
	@touch $@

demo: .venv/.installed-demo  ## install, train in a notebook cell, and show what was tracked
	@$(BIN)/python examples/run_demo.py

lab: .venv/.installed-demo  ## open JupyterLab on the examples
	@cd examples && ../$(BIN)/jupyter lab --ServerApp.ip=127.0.0.1 quickstart.ipynb

# A test that fails beside others is tried once more alone, when all others have ended.
test: .venv/.installed-test $(if $(findstring azure,$(TESTS)),.venv-azure/.installed)  ## install what the tests need, browser included, and run them
	@sh tests/browser/install_browser.sh
ifdef TESTS
	@$(if $(findstring azure,$(TESTS)),$(AZURE),$(BIN))/python -m pytest -n 2 $(TESTS)
else
	@$(BIN)/python tests/parts.py
endif

azure-emulator: .venv-azure/.installed  ## an Azure Machine Learning on this machine to play with; prints what to paste
	@$(AZURE)/python -m tests.emulators.azure $(ARGS)

check: .venv/.installed-test .venv/.installed-lint  ## formatters, linters and type checkers
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent lint

schema: .venv/.installed-test  ## openapi.json and wire.ts, anew from wire/ and the routes
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m jupyter_mltrack.schema

docs: .venv/.installed-test  ## the tables of the README, anew from the code
	@$(BIN)/python -m jupyter_mltrack.readme README.md

bench: .venv/.installed-bench  ## the figures, side by side with the peers
	@$(BIN)/python -m benchmarks

build: .venv/.installed-test  ## wheel and sdist into dist/
	@rm -rf jupyter_mltrack/labextension dist
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## remove what was built and installed here
	@rm -rf .venv .venv-azure dist jupyter_mltrack/labextension labextension/node_modules labextension/lib
