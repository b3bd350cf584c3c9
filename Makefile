# `make help` lists the targets. `make run` needs Go 1.26 or newer, and Node.js 20 or newer with npm for the web app.

SHELL := /bin/bash
export CGO_ENABLED := 0
export PATH := $(CURDIR)/.tools/bin:$(PATH)

# mautrix-go's Olm in pure Go: for the recorder, and the encrypting test client. Without the tag there is no recorder in the program.
TAGS := -tags goolm
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
CYCLONEDX := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
PLATFORMS := linux-amd64 linux-arm64
TEST := CONCLAVE_POSTGRES_FSYNC=off scripts/postgres run go test $(TAGS) -timeout 20m
# Packages whose work is done by several goroutines at once.
RACE := ./internal/store/... ./internal/notify ./internal/ephemeral ./internal/push ./internal/feed/... ./internal/room/... ./internal/media/... ./internal/blob ./internal/egress \
	./internal/archive/... ./internal/ident ./internal/e2ee ./internal/history ./internal/visibility ./internal/directory ./internal/mail ./internal/door ./internal/door/filehead
FUZZTIME := 30s

.DEFAULT_GOAL := help
.PHONY: help run build web test test-deps race lint fuzz spec spec-update e2e kills differential bench docs screens web-bench release vulncheck

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build the server and start it with everything embedded, its data in ./data
	bin/conclave init --if-missing --data-dir data --server-name localhost --public-url http://localhost:8008
	bin/conclave serve --config data/conclave.yaml

build: web ## build bin/conclave with the web app in it
	go build $(TAGS) -trimpath -o bin/conclave ./cmd/conclave

web: ## build the web app into web/dist, if its sources changed
	@scripts/build-web

test-deps:
	@scripts/install-test-deps

# Encrypting clients play each scenario in two casts here; `make e2e` plays it in all, on both engines.
test: test-deps build ## install what tests need and run all of them
	cd web && npm test -- --silent
	cd test/browser && npx tsc --noEmit -p . && npm test
	$(TEST) $(shell go list ./... | grep -v /test/e2ee)
	@# As in a browser: many processes on a busy machine. What fails once is shown, and has to be found, but not by who changed something else.
	$(TEST) -short ./test/e2ee || { echo "test/e2ee failed once, see above: a fault to find. It is run once more."; $(TEST) -short -count=1 ./test/e2ee; }

race: test-deps ## run the tests of the packages under the race detector
	CGO_ENABLED=1 $(TEST) -race -short $(RACE)

lint: ## check style, import direction and common mistakes
	go run $(GOLANGCI) run ./...

fuzz: ## run every fuzz target for FUZZTIME
	scripts/fuzz $(FUZZTIME)

spec: ## check docs/spec/index.txt against the code and the tests
	go run ./test/spec

spec-update: ## bring the derived lines of docs/spec/index.txt up to date
	go run ./test/spec -update

e2e: test-deps ## run the tests with encrypting clients that others wrote
	$(TEST) -v ./test/e2ee

kills: test-deps ## kill the recorder and the server in the middle of load, 20 times
	CONCLAVE_KILLS=20 $(TEST) -v -run TestRecorderKilled ./test/e2ee

differential: ## compare what we make of events with what mautrix-go does
	GOEXPERIMENT=jsonv2 go test -run Differential ./internal/mx -rapid.checks=5000

# On a database server of its own, so that nobody else's work is counted.
bench: build test-deps ## measure the server on both engines; BENCH=-quick only shows that it works
	go build -o bin/bench ./bench
	CONCLAVE_POSTGRES_PORT=5434 scripts/postgres drop
	CONCLAVE_POSTGRES_PORT=5434 scripts/postgres run bin/bench local -out bin/bench.json -table bin/bench.md $(BENCH)
	@echo "the table is bin/bench.md, the report bin/bench.json"

web-bench: test-deps build ## measure the web app in Chromium: loading, lists, typing, memory
	cd test/browser && npx vitest run --config bench.config.ts
	@echo "the table is bin/web-bench.md"

screens: test-deps build ## take the pictures of docs/screens anew
	cd test/browser && npx vitest run --config screens.config.ts

docs: ## write the generated pages
	go run ./internal/tools/configdoc >docs/ops/configuration.md.new && mv docs/ops/configuration.md.new docs/ops/configuration.md


# The same commit and Go version give the same bytes: no paths, no time, no build id.
release: ## build dist/: a binary for each platform, its list of parts (CycloneDX) and checksums
	rm -rf dist && mkdir -p dist && scripts/build-web && test -f web/dist/index.html.br
	set -e; for p in $(PLATFORMS); do \
	  GOOS=$${p%-*} GOARCH=$${p#*-} go build $(TAGS) -trimpath -buildvcs=false -o dist/conclave-$$p \
	    -ldflags "-s -w -buildid= -X conclave.chat/internal/app.release=$(VERSION)" ./cmd/conclave; \
	  go run $(CYCLONEDX) bin -json -noserial -notimestamp -version $(VERSION) -output dist/conclave-$$p.cdx.json dist/conclave-$$p; \
	done
	cd dist && sha256sum conclave-* >SHA256SUMS

vulncheck: ## look for known vulnerabilities in what the program calls (asks vuln.go.dev)
	go run $(GOVULNCHECK) $(TAGS) ./...
