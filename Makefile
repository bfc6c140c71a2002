# Everything a person or another tool needs; `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# The newest Python that Vercel also runs comes first. Each candidate is asked, since a shim of a
# version manager may exist without its Python.
PYTHON ?= $(shell for p in python3.12 python3.13 python3.14 python3.11 python3; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; \
	then command -v $$p; break; fi; done)
# Environments of several Pythons live beside each other: make test PYTHON=python3.13 VENV=.venv-3.13
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 3000
FORMAT ?= mp4
QUALITY ?= medium
# Half of the tests' time is waiting for others, so that two processes a core keep it busy.
WORKERS ?= $(shell python3 -c 'import os; print(2 * len(os.sched_getaffinity(0)))' 2>/dev/null || echo auto)
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: help
help: ## list the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# Every package is pinned with the hashes of its files (tools/pins.py); others are refused. Nothing
# is built from source, except on Intel Macs, which cryptography has no wheel for: ONLY_BINARY=
ONLY_BINARY ?= --only-binary :all:
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--require-hashes $(ONLY_BINARY)

$(VENV)/local.done: requirements-local.txt requirements-pip.txt tools/venv.sh
	@sh tools/venv.sh "$(PYTHON)" "$(VENV)"
	$(INSTALL) -r requirements-local.txt
	@touch $@

$(VENV)/dev.done: $(VENV)/local.done requirements-dev.txt
	$(INSTALL) -r requirements-dev.txt
	@touch $@

# The site, where there is Node to build it; without, all else runs.
public/index.html: web/package-lock.json web/vite.config.ts lib/http/service/openapi.yaml docs/allowed.md \
		$(shell find web/src web/static web/docs web/policies web/terms -type f)
	@if ! command -v npm >/dev/null; then \
		echo "The website is not built: Node and npm are missing. The API runs without it."; \
	elif ! (cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent build >/dev/null); then \
		echo "The website is not built, see above (Node 20.19 or later is needed). The API runs without it."; \
	fi

.PHONY: site
site: public/index.html ## build the website into public/

.PHONY: demo
demo: $(VENV)/local.done public/index.html ## the main job, from upload to download: make demo [VIDEO=] [FORMAT=] [RESOLUTION=] [QUALITY=]
	@$(BIN)/python -m local demo --format "$(FORMAT)" --quality "$(QUALITY)" \
		$(if $(RESOLUTION),--resolution "$(RESOLUTION)") $(if $(VIDEO),--video "$(VIDEO)")

.PHONY: up
up: $(VENV)/local.done public/index.html ## the whole service on this machine, or on the project in the environment: make up [PORT=] [SOURCE_ALLOW=] [PUBLIC_URL=]
	@exec $(BIN)/python -m local up --port "$(PORT)"

.PHONY: worker
worker: $(VENV)/local.done ## one more worker against the running stack
	@exec $(BIN)/python -m local worker

.PHONY: key
key: $(VENV)/local.done ## an API key: make key [EMAIL=] [LABEL=] [PLAN=free|starter|pro], on the project in the environment
	@$(BIN)/python -m local key $(if $(EMAIL),--email "$(EMAIL)") \
		$(if $(LABEL),--label "$(LABEL)") $(if $(PLAN),--plan "$(PLAN)")

.PHONY: admin
admin: $(VENV)/local.done ## what the operator does: make admin ARGS="find ann@example.com" (ARGS=--help lists it)
	@$(BIN)/python -m local admin $(ARGS)

.PHONY: supabase-setup
supabase-setup: $(VENV)/local.done ## set up Auth and Storage of a hosted project: make supabase-setup [ARGS=--check]
	@$(BIN)/python -m tools.hosted.supabase_setup $(ARGS)

.PHONY: doctor
doctor: $(VENV)/local.done ## what is wrong with a deployment, and the fix: make doctor [ARGS="--env FILE --url URL"]
	@$(BIN)/python -m tools.hosted.doctor $(ARGS)

.PHONY: stripe-setup
stripe-setup: $(VENV)/local.done ## products, prices, portal and webhook at Stripe, from the plans
	@$(BIN)/python -m local admin stripe-setup

.PHONY: replay-stripe
replay-stripe: $(VENV)/local.done ## process Stripe's events that are open or never arrived: make replay-stripe [DAYS=7]
	@$(BIN)/python -m local admin replay-stripe $(if $(DAYS),--days "$(DAYS)")

.PHONY: reset
reset: $(VENV)/local.done ## delete all data of this machine's stack
	@$(BIN)/python -m local reset

.PHONY: test
test: $(VENV)/dev.done ## the tests: make test [PYTHON=python3.13 VENV=.venv-3.13]
	$(PYTEST) -m "not slow" -p no:schemathesis

VERSIONS ?= 3.12 3.11 3.13 3.14

.PHONY: test-pythons
test-pythons: ## the tests on every Python that this machine has: make test-pythons [VERSIONS="3.11 3.13"]
	@for version in $(VERSIONS); do \
		if python=$$(sh tools/find_python.sh $$version); then \
			echo "== Python $$version: $$python"; \
			$(MAKE) test PYTHON="$$python" VENV=.venv-$$version || exit 1; \
		else \
			echo "== Python $$version: not found, not tested"; \
		fi; \
	done

.PHONY: test-slow
test-slow: $(VENV)/dev.done ## the sweeps: hostile cases, fuzz, large files, kills
	$(PYTEST) -m slow tests

.PHONY: test-browser
test-browser: $(VENV)/dev.done public/index.html ## the site in a real Chromium; leaves pictures in screenshots/
	@test -f public/index.html || { echo "The site is needed: install Node and npm."; exit 1; }
	$(PYTEST) tests/browser

.PHONY: test-live
test-live: $(VENV)/dev.done ## the service tests against a real Supabase project (see README)
	LIVE=1 $(BIN)/python -m pytest -rs tests/live tests/clients tests/jobs/test_main_job.py \
		tests/api/test_isolation.py tests/api/test_bad_input.py tests/jobs/workers/test_fairness.py

.PHONY: lint
lint: $(VENV)/dev.done ## ruff, types, import rules, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.generated --check

.PHONY: hooks
hooks: ## run `make lint` before each commit of this clone
	git config core.hooksPath .githooks

.PHONY: format
format: $(VENV)/dev.done ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: pins
pins: $(VENV)/dev.done ## pin all packages again, from tools/requirements/*.in: make pins [ARGS=--upgrade]
	$(BIN)/python -m tools.pins $(ARGS)

.PHONY: openapi
openapi: $(VENV)/dev.done ## regenerate what is made from the routes: OpenAPI, rewrites, tables, types
	$(BIN)/python -m tools.generated

.PHONY: schema
schema: $(VENV)/local.done ## write supabase/schema.sql, the schema as the migrations leave it
	@$(BIN)/python -m tools.schema

.PHONY: mails
mails: $(VENV)/dev.done ## regenerate the mails of Supabase Auth from their texts
	$(BIN)/python -m tools.auth_mails

.PHONY: guide
guide: $(VENV)/local.done ## write the README's part about deploying, from web/docs/deploy.md
	@$(BIN)/python -m tools.guide

.PHONY: tables
tables: $(VENV)/dev.done ## regenerate the tables of filters and of upload types, and their page
	$(BIN)/python -m tools.filters
	$(BIN)/python -m tools.allowed
	$(BIN)/python -m tools.upload_types

.PHONY: overlays
overlays: $(VENV)/local.done ## draw docs/overlays.png: words in every script, marks, subtitles
	$(BIN)/python -m tools.overlays

.PHONY: pictures
pictures: $(VENV)/dev.done public/index.html ## the README's pictures of the site
	@$(BIN)/python -m tools.pictures

.PHONY: bench
bench: $(VENV)/dev.done ## how fast it is, as ratios against raw ffmpeg and bare Flask: make bench [ONLY=]
	$(BIN)/python -m bench $(ONLY)

.PHONY: deploy-check
deploy-check: $(VENV)/dev.done ## the real vercel build, offline, and its functions run for real
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/deploy

.PHONY: clean
clean: ## remove everything that make created, except data
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache demo-output public \
		screenshots web/node_modules web/.ssr
