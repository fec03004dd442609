# PC Graph. `make app` and `make test` set up what is missing and are quick when nothing is.
# A setup is stamped with a checksum of the requirements it installed, so it runs again only when they change.

PYTHON   ?= python3
CHROMIUM ?= /usr/bin/chromium
ADDRESS  ?= localhost
PORT     ?= 8501

VENV := .venv
PY   := $(VENV)/bin/python
sum   = $(shell cat $(1) | cksum | cut -d' ' -f1)

APP_READY  := $(VENV)/.app-$(call sum,requirements.txt)
DEV_READY  := $(VENV)/.dev-$(call sum,requirements.txt requirements-dev.txt)
NETWORKS   := .venv-networks/.ready-$(call sum,requirements.txt requirements-networks.txt)
NODE_READY := node_modules/.ready-$(call sum,package-lock.json)

# A moved or half-made environment is made again, so its stamps no longer count.
$(shell [ -x $(PY) ] || rm -f $(VENV)/.app-* $(VENV)/.dev-*)

# One thread a process: many visitors, or several test workers, then share the cores evenly.
export OMP_NUM_THREADS := 1
export CHROMIUM

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help app test test-networks fuzz bench load format screenshots chromium letters node nginx

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

app: $(APP_READY) ## serve the app on http://localhost:8501
	$(PY) -m streamlit run app.py --server.address $(ADDRESS) --server.port $(PORT)

test: chromium node $(DEV_READY) $(NODE_READY) ## check style and types, run every test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	node --test tests/js/*.mjs
	$(PY) -m pytest

fuzz: chromium $(DEV_READY) ## try 5,000 almost right files, formulas, numbers and links, in Python and in Chromium
	FUZZ=5000 $(PY) -m pytest -q tests/test_fuzz.py tests/test_formula.py tests/test_typed_numbers.py \
		tests/e2e/test_almost_right.py

test-networks: $(NETWORKS) ## compare Z-IL with autograd on networks of transformers and timm
	HF_HUB_OFFLINE=1 .venv-networks/bin/python -m tests.architectures

bench: chromium $(DEV_READY) ## measure the engine, the stage and whole networks
	$(PY) -m tests.bench
	$(PY) -m pcgraph bench

load: nginx $(DEV_READY) ## measure 50, 100 and 200 sessions on this machine, kill a replica
	$(PY) -m tests.load

screenshots: chromium letters $(DEV_READY) ## take the pictures in docs/images again
	$(PY) -m tests.screenshots

format: $(DEV_READY) ## put the code into its one form
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

# ---- setup ----

# $(call stop,sentence): say what is wrong and what to do, and stop.
stop = { echo "$(1)" >&2; exit 1; }

# $(call apt,what,packages): install Debian packages as root, or say what to run.
apt = if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	then apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(2); \
	else $(call stop,$(1) Run: sudo apt-get install $(2)); fi

$(PY):
	@command -v $(PYTHON) >/dev/null || $(call apt,$(PYTHON) is missing.,python3 python3-venv)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	$(call stop,PC Graph needs Python 3.11 or newer and $(PYTHON) is $$($(PYTHON) -V 2>&1). Install one and run: make app PYTHON=python3.11)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call apt,$(PYTHON) cannot make virtual environments.,python3-venv)
	$(PYTHON) -m venv --clear $(VENV)

$(APP_READY): | $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@rm -f $(VENV)/.app-* && touch $@

$(DEV_READY): | $(APP_READY)
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c requirements.txt
	@rm -f $(VENV)/.dev-* && touch $@

# An environment of its own, which sees torch in the first one.
$(NETWORKS): | $(APP_READY)
	$(PY) -m venv --clear .venv-networks
	@$(PY) -c 'import site; print(site.getsitepackages()[0])' > \
	"$$(.venv-networks/bin/python -c 'import site; print(site.getsitepackages()[0])')/torch.pth"
	.venv-networks/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-networks.txt -c requirements.txt
	@touch $@

$(NODE_READY): | node
	npm ci --include=dev --ignore-scripts --no-audit --no-fund
	@touch $@

node:
	@command -v node >/dev/null || $(call apt,Node.js is missing.,nodejs)
	@command -v npm >/dev/null || $(call apt,npm is missing.,npm)
	@node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || \
	$(call stop,The tests need Node.js 18 or newer and this is $$(node -v). Install a newer one from https://nodejs.org)

chromium:
	@[ -x "$(CHROMIUM)" ] || $(call apt,The browser tests need Chromium at $(CHROMIUM); make test CHROMIUM=path names another.,chromium)

letters:
	@fc-list :lang=zh 2>/dev/null | grep -q . || $(call apt,The pictures need a font with Chinese letters.,fonts-noto-cjk)

# Without it, the part with two replicas is left out, and the script says so.
nginx:
	@[ -x /usr/sbin/nginx ] || [ "$$(id -u)" != 0 ] || $(call apt,nginx is missing.,nginx) || true
