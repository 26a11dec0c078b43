# What a newcomer runs. Everything below works on Debian and Ubuntu from a fresh clone; the set-up that it needs
# (engine, base images, tools) is made by the scripts in tests/lab, once, outside the clone.

.DEFAULT_GOAL := help
.PHONY: help demo clean-demo test lint deny bench setup

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## build dashdeploy, run the example application, show that it answers
	@tests/lab/demo.sh up

clean-demo: ## take the example application away again, with its data
	@tests/lab/demo.sh down

test: ## everything that is checked: linters, house rules, all tests on a real engine
	@tests/lab/run.sh test

lint: ## the part of `test` that runs no test
	@tests/lab/run.sh lint

deny: ## cargo-deny with the advisories too (needs the advisory database's host)
	@. "$${XDG_CACHE_HOME:-$$HOME/.cache}/dashdeploy-lab/tools/env" && cargo deny --locked check

bench: ## dashdeploy beside docker, buildx and docker-compose, in one run; writes tests/bench/RESULTS.md
	@tests/bench/run.sh

setup: ## engine, base images and tools, without running anything
	@tests/lab/engine.sh start && tests/lab/base-images.sh && tests/lab/tools.sh
