# The only entry point for chores. `just` lists them.

_default:
    @just --list

# What CI runs without root: format, lints, house rules, generated documents, tests.
check: fmt-check lint tidy docs-check doc test

fmt-check:
    cargo fmt --all --check

lint:
    cargo clippy --workspace --all-targets -- -D warnings

tidy:
    cargo xtask tidy

docs-check:
    cargo xtask docs --check

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --workspace

# Every test that needs neither root nor a network.
test:
    cargo test --workspace

# Every parser and database with random input, for so many seconds each (see CONTRIBUTING.md).
fuzz SECONDS:
    SURECOPY_FUZZ_SECONDS={{SECONDS}} cargo test --workspace fuzz -- --nocapture

# Changes the code that decides what is true, bit by bit: tests must notice (needs cargo-mutants; many hours).
mutants *ARGS:
    cargo mutants {{ARGS}}

# The root lane: real file systems on loop devices, power cuts, kills. Skips loudly what it lacks.
lab *ARGS:
    lab/run {{ARGS}}

# An hour of random trees, faults, kills and resumes; prints the seed that replays a round.
soak SECONDS="3600":
    SURECOPY_LAB_SOAK={{SECONDS}} lab/run --soak

# Copy to bad disks with surecopy and other programs, as root, and write what came of it into the README.
bad-disks:
    lab/run --table

# Write the documents that are made from tables in the code.
docs:
    cargo xtask docs

# Licences and advisories of everything we depend on (needs cargo-deny and a network).
deny:
    cargo deny check
