# Each target is one visible command. `make help` says what they do.
.DEFAULT_GOAL := help
# Nothing is written beside the sources.
export PYTHONPYCACHEPREFIX = $(CURDIR)/out/pycache
.PHONY: help run demo manager test image shell bench fuzz forensics soak mutants pages lint clean distclean

help: ## This list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo '  OPTEE_SUITE=sid behind any of these: with OP-TEE of Debian sid, in out/sid (qemu-env/README.md)'

run: image ## Build all, boot a UE, show the main job
	cargo build --locked --release -p prose-manager
	tests/story

demo: image ## A group on one link, with its manager and an outsider: join, talk, rotate, lose a radio
	cargo build --locked --release -p prose-manager
	tests/demo

manager: ## A manager to play with, in out/manager; prints how
	cargo build --locked --release -p prose-manager
	host/manager/play

test: ## Everything that proves it: lints, host tests, guest tests
	tests/run

soak: image ## All long forms for MINUTES (a night), and one summary of them
	qemu-env/host-tools --tests
	tests/soak $(if $(MINUTES),--minutes $(MINUTES))

image: ## Build the image (packages, firmware, programs); does nothing if all is there
	qemu-env/build

shell: image ## A prompt in a UE (Ctrl-] leaves)
	qemu-env/shell

bench: image ## What calls cost, against an empty call and OP-TEE's PKCS#11; what prosed's packets cost; how fast 10,000 radios join a manager
	tests/bench

fuzz: ## Fuzz every decoder and command sequences, FUZZ_SECONDS each (an hour)
	qemu-env/host-tools --tests
	fuzz/run --seconds $${FUZZ_SECONDS:-3600}

forensics: image ## Search a UE's memory, disk and files for its keys
	tests/forensics/run

mutants: ## Break the trusted application on purpose; each break must be found
	qemu-env/host-tools --tests
	tests/mutants

pages: ## Manual pages and shell completions of prosectl and prose-manager, in out/pages
	cargo run --locked -q -p prose-pages -- out/pages

lint: ## Formatting, clippy, dependencies, shell scripts
	tests/run --only image --only lint

clean: ## Remove what was built, keep what was downloaded
	qemu-env/clean

distclean: ## Remove everything that is not in the repository
	qemu-env/clean --all
