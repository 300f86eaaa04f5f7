# What a developer does here. `make` alone lists it. Everything else happens in scripts/ and xtask/.

.DEFAULT_GOAL := help
.PHONY: help demo run test bench setup fmt check sqlx openapi

help: ## Show this list
	@printf 'Own Circle. The two commands that matter: make demo, make test.\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nSettings: owncircle.example.toml. The map of the code: ARCHITECTURE.md.\n'

demo: ## Set up, build, start the service and fill it with a small coalition
	@scripts/demo

run: ## Set up, build and start the service without demo data
	@scripts/run serve

test: ## Set up what the tests need and run every check and test
	@scripts/test

setup: ## Install what is missing to build and run (and, for tests, tools into .tools/)
	@scripts/setup --with-test-tools

fmt: ## Format the code
	@cargo fmt --all

check: ## The quick part of make test: formatting, tidy, clippy
	@scripts/check

sqlx: ## Refresh .sqlx after a query or a migration has changed
	@scripts/xtask sqlx prepare

openapi: ## Refresh openapi.json and docs/rights.md after the API has changed
	@cargo run --locked --package server -- openapi --output openapi.json
	@cargo run --locked --package server -- rights --output docs/rights.md

bench: ## Measure the release program beside PostgreSQL alone: forty minutes, QUICK=1 two minutes
	@scripts/bench
