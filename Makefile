# Every target is one script; what it does is written at its top. `make` alone lists them.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help demo test test-long lint deny pictures bench-events bench-refresh set-up

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: ## build, start sandbox and gateway on SQLite, print the chat page's address and a command
	@scripts/demo.sh

test: ## set up what is missing, then everything that must be green: format, lints, docs, all tests
	@scripts/test.sh

test-long: ## the tests that take long: the refresh protocol's model, the kill matrix, a storm, a silent link
	@scripts/test-long.sh

lint: ## format, clippy and rustdoc, each with warnings as errors
	@scripts/lint.sh

deny: ## licences, bans, sources and advisories (needs cargo-deny and the network)
	@cargo deny --workspace check

pictures: ## make docs/pictures anew with a headless browser
	@scripts/pictures.sh

bench-events: ## acknowledged events per second: Cardkey and the official clients, interleaved
	@scripts/bench-events.sh

bench-refresh: ## what refreshing costs on three databases with a million grants, and a simulated day
	@scripts/bench-refresh.sh

set-up: ## install what the tests need, if anything is missing
	@scripts/set-up.sh
