# Needs Python 3.11 and make; everything else goes into .venv. `make PYTHON=...` takes another Python.
# `make bench DATA=...` takes other data: luan_pairs/, davis/, and beside it weights/.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALLED := .venv/installed
DATA ?= ../shared/data

.PHONY: venv demo test chromium lint format bench clean
.DELETE_ON_ERROR:

venv: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "photovst needs Python 3.11 or later, but this is " + sys.version.split()[0] + "; give another: make PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --disable-pip-version-check -c constraints.txt --no-deps mit-semseg  # docs/decisions/0011
	@touch $@

demo: venv
	$(BIN)/photovst demo -o demo_out --overwrite

# A process a core, each with one thread: twice as fast as one process with all of them.
test: export OMP_NUM_THREADS = 1
test: lint chromium
	$(BIN)/pytest -n auto --maxprocesses 8

# The tests of the report look for a browser, and skip where there is none: on Debian root can bring it.
chromium:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  export DEBIAN_FRONTEND=noninteractive && \
	  { apt-get install -y -q chromium || { apt-get update -q && apt-get install -y -q chromium; }; }; } >/dev/null 2>&1 || \
	  echo "no Chromium here, and none can be installed: tests of the report in a browser are skipped"

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: venv
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: export PHOTOVST_WEIGHTS ?= $(DATA)/../weights
bench: venv
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/film.py speed
	$(BIN)/python benchmarks/film.py slice
	$(BIN)/python benchmarks/film.py memory
	$(BIN)/python benchmarks/evaluate.py
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/feedforward.py --sizes 256x256,640x360
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/objective.py
	$(BIN)/python benchmarks/matting.py
	$(BIN)/python benchmarks/flow.py $(DATA)/sintel/training
	$(BIN)/python benchmarks/luan_pairs.py $(DATA)/luan_pairs
	$(BIN)/python benchmarks/segmentation.py $(DATA)/luan_pairs
	$(BIN)/python benchmarks/mask_steadiness.py $(DATA)
	$(BIN)/python benchmarks/ade20k_mobile.py $(DATA)
	$(BIN)/python benchmarks/next_frames.py $(DATA)/davis/car-shadow/frames $(DATA)/luan_pairs/05/style.png
	$(BIN)/python benchmarks/steady.py $(DATA)/davis/kite-surf/frames $(DATA)/luan_pairs/05/style.png

clean:
	rm -rf demo_out photovst-demo build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .grimp_cache
	find photovst tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
