# The tasks of the project; `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
KERNEL_BTF ?= /sys/kernel/btf/vmlinux

BIN := $(VENV)/bin
CXX ?= c++
QUIET := --quiet --disable-pip-version-check
CPP_FILES := $(shell find csrc -name '*.[ch]pp')
FORMATTED := $(CPP_FILES) benchmarks/support/workloads.cpp $(wildcard tests/native/*.cpp) $(wildcard tests/fuzz/*.[ch]pp)
# Inputs of the build. pip rebuilds the package if one of them changes.
SOURCES := pyproject.toml setup.py $(CPP_FILES)

.PHONY: help run test test-axe test-sanitized test-boot test-corpus-cluster fuzz fuzz32 lint format bench bench-instructions docs docs-links shell dist sample clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(BIN)/.built ## build, and summarise the running kernel's types
	@if [ -r $(KERNEL_BTF) ]; then \
		$(BIN)/btfmmap info $(KERNEL_BTF); \
	else \
		echo "$(KERNEL_BTF) cannot be read; using the sample included in btfmmap."; \
		$(BIN)/btfmmap info --sample; \
	fi

test: $(BIN)/.tested ## build, and run all tests
	$(BIN)/python -m pytest $(ARGS)

# A test that preloads its own library appends it to these. Leak detection is off, as Python does not free all
# memory at exit. Python's own allocator would hide overflows of small objects.
SANITIZED := build/sanitized
PRELOADED = $(shell $(CXX) -print-file-name=libasan.so) $(shell $(CXX) -print-file-name=libstdc++.so)

test-sanitized: $(BIN)/.tested ## build with ASan and UBSan, and run all tests (needs gcc)
	BTFMMAP_SANITIZE=1 $(BIN)/python setup.py --quiet build --build-base $(SANITIZED) --build-lib $(SANITIZED)/lib
	LD_PRELOAD="$(PRELOADED)" PYTHONPATH=$(abspath $(SANITIZED)/lib) PYTHONMALLOC=malloc \
		ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 $(BIN)/python -m pytest $(ARGS)

test-boot: $(BIN)/.tested ## boot the KERNELs of ARCH in an emulator, and run tests there (needs Debian)
	PYTHONPATH=tests $(BIN)/python -m boot $(if $(ARCH),--arch $(ARCH)) $(if $(KERNEL),--kernel $(KERNEL)) $(ARGS)

test-corpus-cluster: $(BIN)/.tested ## build a corpus on Dask into an S3 server, all on loopback
	$(BIN)/python -m pip install $(QUIET) --group cluster
	PYTHONPATH=tests:tests/support $(BIN)/python -m cluster $(ARGS)

AXE := build/axe/node_modules/axe-core/axe.min.js

test-axe: $(BIN)/.tested $(AXE) ## judge the pages and the site with axe-core (needs npm, chromium and a network)
	BTFMMAP_AXE=$(abspath $(AXE)) $(BIN)/python -m pytest tests/test_browser.py tests/test_site.py -k axe $(ARGS)

$(AXE):
	npm install --no-audit --no-fund --no-save --prefix build/axe axe-core@4

fuzz: ## run each fuzz target for FUZZ_SECONDS, default 60 (needs clang)
	$(MAKE) --no-print-directory -C tests/fuzz PYTHON=$(PYTHON)

fuzz32: ## run the fuzz targets as 32-bit programs (needs i686-linux-gnu-g++)
	$(MAKE) --no-print-directory -C tests/fuzz PYTHON=$(PYTHON) BITS=32

# It looks for numpy with the first `python` of PATH too.
PYRIGHT = PATH="$(abspath $(BIN)):$$PATH" PYTHONPATH=python $(BIN)/basedpyright --pythonpath $(BIN)/python

lint: $(BIN)/.linted ## check style, types and compiler warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@# Every public name has a type, and the stubs match the modules. Each check takes seconds, so run both at once.
	@echo "mypy.stubtest btfmmap; basedpyright --verifytypes btfmmap"
	@$(BIN)/python -m mypy.stubtest btfmmap --concise --mypy-config-file pyproject.toml \
		--allowlist tests/stubtest_allowlist.txt & stubs=$$!; \
	types=$$($(PYRIGHT) --verifytypes btfmmap --ignoreexternal && $(PYRIGHT) --level error tests/typed.py) || \
		{ echo "$$types"; failed=1; }; \
	wait $$stubs && test -z "$$failed"
	$(BIN)/clang-format --dry-run -Werror $(FORMATTED)
	@# The core compiles without Python's headers, and without a warning.
	printf '%s\n' $$(find csrc/core -name '*.cpp') tests/fuzz/*.cpp | xargs -P "$$(getconf _NPROCESSORS_ONLN)" -n 1 \
		$(CXX) -std=c++17 -D_FILE_OFFSET_BITS=64 -Icsrc -fsyntax-only -Wall -Wextra -Wshadow -Wconversion -Werror

format: $(BIN)/.linted ## format all sources
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(FORMATTED)

bench: $(BIN)/.built ## compare btfmmap with similar tools (see docs/performance.md)
	$(BIN)/python benchmarks/run.py --json build/bench.json $(ARGS)

bench-instructions: $(BIN)/.tested ## compare the core's instruction counts with the committed ones (needs valgrind)
	$(BIN)/python benchmarks/instructions.py $(ARGS)

docs: $(BIN)/.tested ## run the examples on the pages, and build the site in build/site/html
	$(BIN)/python -m pytest -q tests/test_documents.py
	$(BIN)/python tools/site_pages.py build/site/html

docs-links: $(BIN)/.tested ## build the site, and try its links to other sites (needs a network)
	$(BIN)/python tools/site_pages.py build/site/html --external

shell: $(BIN)/.tested ## rebuild the completions and the manual page in share
	$(BIN)/python tools/shell_files.py

dist: $(BIN)/.tested ## build, check and test the source distribution and this machine's wheel, in dist
	$(BIN)/python -m pip install $(QUIET) --group dist
	$(BIN)/python tools/dist.py $(ARGS)

sample: ## rebuild the sample BTF (needs clang 15 or later and llvm-objcopy)
	cd python/btfmmap/data && clang -target bpf -g -O2 -fdebug-compilation-dir=. -ffile-prefix-map=$$PWD=. \
		-c sample.c -o sample.o && llvm-objcopy --dump-section .BTF=sample.btf sample.o && rm sample.o

clean: ## remove all build products
	rm -rf $(VENV) build dist python/*.egg-info python/btfmmap/_core.*.so

$(BIN)/.checked: setup.py
	@$(PYTHON) -B -c 'import setup; setup.check_toolchain()'
	$(PYTHON) -m venv $(VENV)
	@# Older versions do not support dependency groups.
	$(BIN)/python -m pip install $(QUIET) --upgrade 'pip>=25.1'
	@touch $@

$(BIN)/.built: $(BIN)/.checked $(SOURCES)
	@echo "Compiling the extension, which takes three to five minutes of CPU time ..."
	@start=$$(date +%s); $(BIN)/python -m pip install $(QUIET) --editable . && \
		echo "Compiled in $$(($$(date +%s) - start)) s."
	@touch $@

# Installs the requirements of tests beside the built package, which is not compiled again.
$(BIN)/.tested: $(BIN)/.built
	$(BIN)/python -m pip install $(QUIET) --prefer-binary --group test
	@for group in dask duckdb nanoarrow notebook polars pyarrow twine; do \
		$(BIN)/python -m pip install $(QUIET) --quiet --quiet --only-binary :all: --group $$group || \
			echo "No $$group for this Python: its tests are skipped."; \
	done
	@echo "Tests with Ray are skipped, as it is large. To run them: $(BIN)/python -m pip install --group ray"
	@touch $@

# Some tools of lint have no builds for all Pythons, so tests do without them.
$(BIN)/.linted: $(BIN)/.tested
	$(BIN)/python -m pip install $(QUIET) --group lint
	@touch $@
