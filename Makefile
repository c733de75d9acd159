# Handsel's commands. `make` alone lists them. Everything lives in .venv and var; nothing outside this folder is touched.

PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
HOST_PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# A stamp per content of the pinned requirements: installed once, and again only when the file says something else.
RUN_STAMP := $(VENV)/installed-$(shell cksum < requirements.txt | tr -d ' ')
DEV_STAMP := $(VENV)/installed-dev-$(shell cksum < requirements-dev.txt | tr -d ' ')

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test fmt lint migrations-check seed schema bench fuzz soak requirements

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

run: $(RUN_STAMP)  ## start the site and its worker on this machine (PORT=8000)
	@trap : INT; $(PY) .ci/serve.py $(PORT) || test $$? -eq 130  # Ctrl-C is how it ends, not a failure

test: $(DEV_STAMP)  ## lint, types, the suite on SQLite and on PostgreSQL with Redis, the browser journeys
	@$(PY) .ci/test.py

fmt: $(DEV_STAMP)  ## format the code
	@$(PY) -m ruff check --quiet --fix-only . && $(PY) -m ruff format .

lint: $(DEV_STAMP)  ## check style, templates and types
	@$(PY) .ci/test.py lint

migrations-check: $(DEV_STAMP)  ## fail if a model changed without its migration
	@$(PY) .ci/test.py migrations-check

seed: $(RUN_STAMP)  ## load the demo data into an empty database
	@$(PY) manage.py migrate --verbosity 0 && $(PY) manage.py seed_demo

schema: $(RUN_STAMP)  ## write the description of the API, docs/openapi.json
	@ENV_FILE=/dev/null $(PY) manage.py export_openapi_schema --api marketplace.api.api --sorted --indent 1 --output docs/openapi.json

bench: $(DEV_STAMP)  ## every performance figure, as a ratio or against its limit (some minutes)
	@$(PY) -m benchmarks

fuzz: $(DEV_STAMP)  ## send the API what nobody would think of, as three callers (schemathesis; some minutes)
	@$(PY) .ci/fuzz.py

soak: $(DEV_STAMP)  ## chat under faults: is any acknowledged message lost or out of order? (SOAK_SECONDS=600)
	@$(PY) -m benchmarks --part=soak

requirements: $(DEV_STAMP)  ## pin the newest versions that requirements*.in allow
	@$(PY) -m pip install -qq --disable-pip-version-check uv && $(PY) .ci/pin.py

$(PY):
	@test -n "$(HOST_PYTHON)" || { echo "Handsel needs Python 3.11 or newer, and \`python3\` here is \
	$$(python3 --version 2>/dev/null || echo missing). Install it (Debian: apt install python3 python3-venv)."; exit 1; } >&2
	@$(HOST_PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(HOST_PYTHON) has no venv module. \
	Install it (Debian: apt install python3-venv)."; exit 1; } >&2
	@$(HOST_PYTHON) -m venv --clear $(VENV)

$(VENV)/installed-%: | $(PY)
	@echo "Installing what Handsel needs into $(VENV) ..."
	@$(PY) -m pip install -qq --disable-pip-version-check -r $(if $(findstring installed-dev-,$@),requirements-dev.txt,requirements.txt)
	@rm -f $(VENV)/installed-$(if $(findstring installed-dev-,$@),dev-*,[0-9]*) && touch $@
