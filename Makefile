# Every target makes what it needs; `make help` lists them.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
WARM   := _build/.warm
CORES  ?= 2
# What kernels are compiled from; where one of these has changed, they are compiled anew.
KERNELS := $(shell find helpers -name '*.py' -not -path 'helpers/book/*')
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Python keeps what it has compiled, also where the surroundings forbid it, as many containers do: a hundred processes
# that each compile numpy, scipy and the rest anew take twice as long.
export PYTHONDONTWRITEBYTECODE =
# What stands in a variable of the environment, no shell takes apart.
export QUICK PEERS FILES SAMPLES NOTEBOOKS SAMPLES_FILE
# Where the home folder cannot be written, as in some containers, pip, uv and Snakemake keep what they fetch here.
HOME_SERVES := $(shell test -w "$$HOME/.cache" || { test ! -e "$$HOME/.cache" && test -w "$$HOME"; } && echo yes)
ifeq ($(XDG_CACHE_HOME)$(HOME_SERVES),)
export XDG_CACHE_HOME := $(CURDIR)/_build/cache
endif

.DEFAULT_GOAL := help
.PHONY: help setup book batch record test test-slow test-kernels bench peers lint format notebooks demo quench film multislice register lock clean new-sample check-sample fuzz

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 20

setup: $(WARM)  ## make .venv from the lock file and compile the kernels

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); sys.exit(0 if ok else "Python 3.11 to 3.13 is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	@echo "filling $(VENV) from requirements.lock: a minute or two, 2 GB"
	@# uv is several times faster than pip; where it cannot be had, pip does the same
	{ $(BIN)/python -m pip install -q uv \
	  && $(BIN)/python -m uv pip install -q --python $(BIN)/python -r requirements.lock \
	  && $(BIN)/python -m uv pip install -q --python $(BIN)/python --no-deps -e .; } \
	  || { $(BIN)/python -m pip install -q -r requirements.lock && $(BIN)/python -m pip install -q --no-deps -e .; }
	touch $@

# Two processes; what runs later finds the kernels, and no two runs beside one another compile the same.
$(WARM): $(READY) $(KERNELS)
	$(BIN)/python -m helpers.warm
	@mkdir -p $(@D) && touch $@

# The notebooks that take longest; begun last, each would run alone at the end.
LONGEST := 16_liquid_to_glass 09_precision 03_reconstruction 08_refinement 20_own_atoms
book: $(WARM)  ## run the notebooks on whatever data are at hand and build the book
	$(BIN)/snakemake --cores $(CORES) --ignore-incomplete --quiet rules progress \
	  --prioritize $(LONGEST:%=_build/notebooks/%.ipynb) -- book
	@echo "open $(CURDIR)/_build/html/index.html"

batch: $(WARM)  ## notebooks over samples: SAMPLES="Ta Pd1", NOTEBOOKS="10 11", SAMPLES_FILE=my.toml
	$(BIN)/snakemake --profile config/laptop --cores $(CORES) --quiet rules progress --config \
	  samples="$$SAMPLES" notebooks="$$NOTEBOOKS" samples_file="$$SAMPLES_FILE" -- batch
	@echo "open $(CURDIR)/results/report.html"

record: book  ## keep the numbers of this run on the published data for copies that are built without them
	$(BIN)/python -m helpers.book.ledger.archive
	$(BIN)/python -m helpers.book.pages.curves
	$(MAKE) register

# Plugins for which no test asks (nbval runs in processes of its own), and which every process would load.
UNUSED := -p no:nbval -p no:zarr
test: $(WARM)  ## all tests: units, physics, notebooks, pages; in CORES processes
	$(BIN)/python -m pytest $(UNUSED) -n $(CORES) tests helpers

test-slow: $(WARM)  ## the tests that take minutes
	$(BIN)/python -m pytest tests -m slow

test-kernels: $(READY)  ## every kernel with checked bounds, and as plain Python
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=_build/checked $(BIN)/python -m pytest tests/test_kernel_sources.py
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest tests/test_kernel_sources.py

fuzz: $(READY)  ## ten thousand and more wrong inputs and damaged files; CASES=400 of each kind
	AET_FUZZ=$(or $(CASES),400) $(BIN)/python -m pytest tests -k fuzz

bench: $(WARM)  ## each kernel beside its peers, kept for the book (a quarter of an hour); QUICK=1 for a trial, not kept
	$(BIN)/python benchmarks/run.py $(if $(filter-out 0,$(QUICK)),,--record)

PEERS ?= _build/peers
peers: $(READY)  ## install the programs that `make bench` compares with into _build/peers; what fails is left out
	$(BIN)/python benchmarks/peers.py $(PEERS)

lint: $(READY)  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)  ## put the code into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

notebooks: $(WARM)  ## run the notebooks on the embedded sample and store their text outputs
	$(BIN)/python -m helpers.book.pages.notebooks refresh book/notebooks/*.ipynb

new-sample: $(READY)  ## describe a sample of your own: FILES="model.xyz" or FILES="tomo.mrc tomo.rawtlt"; ARGS="--elements Cu Zr"
	$(BIN)/python -m helpers.own.new --together "$$FILES" $(ARGS)

check-sample: $(READY)  ## read a description and its files, say what is wrong and what can run: SAMPLES_FILE=my.toml
	$(BIN)/python -m helpers.own.check "$$SAMPLES_FILE"

demo: $(READY)  ## make the embedded sample anew (a quarter of an hour)
	$(BIN)/python data/demo/make_demo.py

quench: $(READY)  ## make the simulated quenches anew (three hours); RUNS="ta ta_li" for some
	$(BIN)/python data/quench/make_quench.py $(RUNS) --checkpoint results/quench

multislice: $(READY)  ## make the multislice images of the embedded sample anew (an hour or more)
	$(BIN)/python data/demo/make_multislice.py --checkpoint results/demo/simulation/multislice.h5

FILM := 1,6,11,16,17,19,21,23,25,27,29,40,43,46,49,50,55,60,65
film: $(READY)  ## locate the atoms of the measured film, area by area, and measure them; AREAS=1-65 for all
	$(BIN)/python data/recorded/locate_film.py --areas "$(or $(AREAS),$(FILM))"
	$(BIN)/python data/recorded/measure_rows.py

register: $(READY)  ## note the hashes of files of data/ that older code made anew
	$(BIN)/python -c 'from helpers import data; print("\n".join(data.register()))'

lock:  ## renew requirements.lock
	$(PYTHON) -m pip install -q uv
	$(PYTHON) -m uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header -o requirements.lock

clean:  ## remove what was built; results and the environment stay
	rm -rf _build .pytest_cache .ruff_cache .mypy_cache .hypothesis .snakemake
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
