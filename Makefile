# `make` or `make help` lists what there is to run. Tools go into .bin, which
# git ignores. Outside of this directory only Go's own caches are written, and
# the Debian packages that `make deps` asks for.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := $(CURDIR)/.bin
PEERS := $(BIN)/peers
export PATH := $(BIN):$(PATH)

GOLANGCI_LINT_VERSION := v2.15.0
VERSITYGW_VERSION     := v1.8.0

# What transfers are measured against: of mc and minio, the last releases.
RCLONE_VERSION := v1.76.0
MC_VERSION     := v0.0.0-20250313080218-cf909e1063a9
MINIO_VERSION  := v0.0.0-20260212201848-7aac2a2c5b7c

# What starts goroutines or shares memory between them.
RACE_PACKAGES ?= ./credential/... ./sandbox/... ./internal/...
ARGS ?=
ROUNDS ?= 5
CHAOS ?= 100
S3TESTS ?=

##@ Use

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## the program, as ./rolecall
	go build -o rolecall ./cmd/rolecall

.PHONY: demo
demo: build ## two customers' accounts and a job across them, on the built-in sandbox (ARGS='--output json')
	./rolecall demo $(ARGS)

##@ Check

.PHONY: test
test: deps ## all tests; installs what they need first
	go test -timeout 15m ./...

.PHONY: race
race: deps ## the tests of all that is concurrent, under the race detector
	go test -race -timeout 20m $(RACE_PACKAGES)

.PHONY: chaos
chaos: deps ## processes killed, networks cut, odd names and wrong clocks, many times at random (CHAOS=100; not in CI)
	ROLECALL_CHAOS=$(CHAOS) go test -timeout 60m -run 'Killed|Cut|Rough|AsRclone|WrongClock' ./internal/cli ./internal/transfer ./internal/check

.PHONY: lint
lint: lint-tools ## golangci-lint with the list in .golangci.yml
	golangci-lint run ./...

.PHONY: verify
verify: lint-tools ## that go.mod is true and `make generate` would change nothing
	go mod verify
	go mod tidy -diff
	go -C docs/examples/library mod tidy -diff
	golangci-lint fmt --diff ./...

.PHONY: bench
bench: ## the measurements behind docs/benchmarks.md
	go test -run '^$$' -bench . -benchmem ./bench/...

.PHONY: interop
interop: ## compare the evaluator with an independent simulator, and connect a customer by a generated TypeScript client (needs node and npm)
	bench/interop/run.sh
	bench/interop/typescript/run.sh

.PHONY: bench-transfer
bench-transfer: deps peers ## transfers against rclone, mc and aws, near and far, on three servers (ROUNDS=5; ARGS='-works large-relay'; not in CI)
	bench/transfer/run.sh $(ROUNDS) $(ARGS)

.PHONY: suites
suites: $(BIN)/versitygw@$(VERSITYGW_VERSION) python3-deps ## other projects' S3 tests on the sandbox (S3TESTS=DIR: a checkout of ceph/s3-tests, too; needs node and npm; not in CI)
	go run ./bench/suites $(if $(S3TESTS),-s3tests $(S3TESTS)) $(ARGS)

##@ Change

.PHONY: generate
generate: lint-tools ## write what a tool can write: go.mod, go.sum, imports and format
	go mod tidy
	go -C docs/examples/library mod tidy
	golangci-lint fmt ./...

##@ Install

.PHONY: deps
deps: $(BIN)/aws /usr/bin/jq /usr/bin/rclone $(BIN)/versitygw@$(VERSITYGW_VERSION) postgresql ## what the tests run against: the AWS command line, jq, rclone, versitygw and PostgreSQL

.PHONY: peers
peers: $(PEERS)/rclone@$(RCLONE_VERSION) $(PEERS)/mc@$(MC_VERSION) $(PEERS)/minio@$(MINIO_VERSION) ## what transfers are measured against (takes minutes to build)

.PHONY: lint-tools
lint-tools: $(BIN)/golangci-lint@$(GOLANGCI_LINT_VERSION)

.PHONY: clean
clean: ## remove what was built and installed here
	rm -rf $(BIN) rolecall

# The tests drive Debian's command line, whatever else is first in PATH.
$(BIN)/aws:
	@.ci/apt-install awscli /usr/bin/aws
	@mkdir -p $(BIN)
	@ln -sf /usr/bin/aws $@

# What generated scripts put statements into policies with.
/usr/bin/jq:
	@.ci/apt-install jq $@

# The service's other database; each test package starts a server of its own.
.PHONY: postgresql
postgresql:
	@.ci/apt-install postgresql '/usr/lib/postgresql/*/bin/initdb'

# A tool that takes a connection's credentials and renews them.
/usr/bin/rclone:
	@.ci/apt-install rclone $@

# What Python's suites import.
.PHONY: python3-deps
python3-deps:
	@.ci/apt-install python3-boto3 /usr/lib/python3/dist-packages/boto3
	@for p in pytest munch httplib2 lxml isodate; do .ci/apt-install python3-$$p /usr/lib/python3/dist-packages/$$p; done
	@.ci/apt-install python3-tz /usr/lib/python3/dist-packages/pytz

# A tool is kept under its version, so that a new version here replaces it.
$(BIN)/versitygw@%:
	@$(call go-install,versitygw,github.com/versity/versitygw/cmd/versitygw@$*)

# Not in PATH, since the tests drive Debian's rclone.
$(PEERS)/rclone@%:
	@$(call go-install,rclone,github.com/rclone/rclone@$*)

$(PEERS)/mc@%:
	@$(call go-install,mc,github.com/minio/mc@$*)

$(PEERS)/minio@%:
	@$(call go-install,minio,github.com/minio/minio@$*)

$(BIN)/golangci-lint@%:
	@$(call go-install,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$*)

go-install = \
	mkdir -p $(@D); \
	echo "installing $(2)"; \
	GOBIN=$(@D) GOFLAGS=-buildvcs=false GOTOOLCHAIN=local go install $(2) \
		|| { echo "cannot install $(2): is a module proxy reachable, and is Go at least as new as go.mod asks?" >&2; exit 1; }; \
	rm -f $(@D)/$(1)@*; mv $(@D)/$(1) $@; ln -sf $(notdir $@) $(@D)/$(1)
