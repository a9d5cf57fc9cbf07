# tiktok: `make` prints what there is.
SHELL := /bin/bash
export CGO_ENABLED ?= 0

BIN   := bin
# The same flags everywhere, so that each build finds what the others have compiled.
BUILD := go build -ldflags '-s -w' -o $(BIN)/ ./cmd/tiktok

.DEFAULT_GOAL := help

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start the whole product in one process on http://localhost:10001, nothing to install
	@[ -x $(BIN)/tiktok ] || echo "The first build takes a few minutes: it compiles everything that the product uses (SQLite, Kitex, Hertz, the AWS, etcd and Redis clients, ...)."
	@echo "building ..." && $(BUILD)
	@$(BIN)/tiktok $(ARGS)

build: ## build bin/tiktok, which is every program
	@[ -x $(BIN)/tiktok ] || echo "The first build takes a few minutes."
	$(BUILD)

$(BIN)/tiktok:
	@$(MAKE) --no-print-directory build

gen: ## generate kitex_gen, the HTTP models and the OpenAPI document from idl/
	@.ci/gen.sh

.PHONY: screenshots
screenshots: ## look at every page of the web client with Chromium, into docs/screens
	@SCREENSHOTS=$(CURDIR)/docs/screens go test ./test/web -count=1 -run TestScreenshots

web: ## build the web client (cmd/api/web) with Node.js; ARGS=--check compares with what is committed
	@.ci/web.sh $(ARGS)

test: ## install and start what the tests need, run all tests, stop it again
	@test/run.sh

test-race: ## the same with the race detector
	@test/run.sh -race

e2e: ## the end-to-end and contract tests on both deployments
	@test/run.sh ./test/e2e/... ./test/contract/...

bench: ## load on both deployments, about 15 minutes; prints the figures of docs/performance.md
	@test/bench/run.sh

bench-micro: ## the Go micro-benchmarks of the hot paths; REV=HEAD~1 compares with that commit by benchstat
	@test/bench/run.sh micro $(REV)

fault: ## break servers and processes under load and count what is lost; FORM=long for longer outages
	@test/fault/run.sh $(FORM)

vitess: ## the scenarios and an audit on a sharded Vitess; builds it on first use, half an hour
	@test/vitess/run.sh

cluster: ## two of each process on clusters of servers, each broken in turn under load, about 80 minutes; FORM=short for a choice, 7 minutes
	@test/cluster/run.sh $(or $(FORM),long)

attack: ## attack the all-in-one on loopback and show what a bystander notices; FORM=long for the slow ones
	@test/attack/run.sh $(FORM)

api-lint: ## check the API's document with redocly and spectral (needs node)
	@.ci/api.sh lint

lint: ## golangci-lint (builds it on first use)
	@.ci/lint.sh

fmt: ## format the code as lint wants it
	@.ci/lint.sh fmt

lines: ## lines of code, comments and tests per top folder; REV="HEAD~1 ." compares
	@.ci/lines.sh $(REV)

audit: ## recount every counter of the running stack (env-up) or of ./data, and compare; ARGS=--repair
audit: $(BIN)/tiktok
	@test/stack.sh audit $(ARGS)

dead-letters: ## show the messages that the running stack (env-up) gave up; ARGS=replay, ARGS="drop --yes", ARGS="list --json"
dead-letters: $(BIN)/tiktok
	@eval "$$(test/stack.sh env)" && $(BIN)/tiktok dead-letters $(or $(ARGS),list)

env-up: ## start MySQL, Redis, RabbitMQ, etcd, S3: in Docker where it runs (and Grafana and others to watch; WATCH=off), else Debian's packages
	@test/stack.sh env-up

env-down: ## stop them
	@test/stack.sh env-down

chart: ## render and check deploy/helm (builds Helm's library on first use, some minutes)
	@.ci/helm.sh

docker: ## build the image tiktok:dev, which has the program and ffmpeg
	@deploy/image/build.sh

start: build ## start all eight processes on the servers of env-up; an empty store gets the demo content (DEMO=off: none)
	@DEMO=$(DEMO) test/stack.sh start

demo: ## fill a running deployment with the demo content over its API; ARGS="--force --url http://HOST:10001"
demo: $(BIN)/tiktok
	@test/stack.sh demo $(ARGS)

stop: ## stop the eight processes
	@test/stack.sh stop

clean: ## remove what was built (not ./data)
	rm -rf $(BIN) .run

.PHONY: help run build gen web test test-race e2e api-lint lint fmt bench bench-micro fault cluster vitess attack lines audit dead-letters env-up env-down chart docker start demo stop clean
