# What people and CI call. Every recipe is a plain command: `just` is never required.

# Lists the recipes.
default:
    @just --list

# The demo, served at http://127.0.0.1:7878.
run *arguments:
    cargo run --release -- demo {{arguments}}

# Every test. Browser tests need chromium and chromium-driver.
test *arguments:
    cargo test {{arguments}}

# Kills the program in the middle of its work, much more often than the tests do: `just crash 1000`.
crash kills="200":
    SNAPBACK_KILLS={{kills}} cargo test --test it faults::crash

# Every test of faults, races and crashes, over and over: `just soak 50`.
soak rounds="10":
    for round in $(seq {{rounds}}); do SNAPBACK_KILLS=100 cargo test --test it faults:: || exit 1; done

# Two consoles and the command line on one bucket at once: `just crowd 200`.
crowd rounds="50":
    SNAPBACK_ROUNDS={{rounds}} cargo test --test it stores::crowd

# The tests of the stores against a real S3 server, Garage, which is built once (ten minutes).
s3 *arguments:
    tests/s3/garage.sh {{arguments}}

# What has to be clean before a commit.
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# Formats the code.
fmt:
    cargo fmt

# The costs of the verbs beside plain SQLite: `just bench --mb 500`.
bench *arguments:
    cargo bench --bench verbs -- {{arguments}}

# The same at several sizes, in MB. The last of these needs 25 GB of free disk.
growth *sizes="10 100 1000 5000":
    for size in {{sizes}}; do cargo bench --bench verbs -- --mb $size || exit 1; done

# What the parts cost, each alone: rows, packs, comparisons, pages of the list.
parts *arguments:
    cargo bench --bench parts -- {{arguments}}

# Answers a second of a long list, beside the stack of the origin.
bench-list *arguments:
    cargo bench --bench list -- {{arguments}}

# What a console over hundreds of databases costs: `just bench-many --tenants 300`.
bench-many *arguments:
    cargo bench --bench many -- {{arguments}}

# Licences, bans and sources of the dependencies (needs cargo-deny; what is not there yet is fetched).
deny:
    cargo deny --locked check licenses bans sources

# Known vulnerabilities of the dependencies (needs cargo-deny and the network).
advisories:
    cargo deny check advisories

# Feeds each reader of foreign bytes with nonsense, in seconds each (needs cargo-fuzz; stable Rust does).
fuzz seconds="120" *targets="manifest chunk row foreign id form":
    for target in {{targets}}; do \
        mkdir -p fuzz/corpus/$target; \
        cargo fuzz run -s none $target fuzz/corpus/$target fuzz/seeds/$target -- \
            -max_total_time={{seconds}} -rss_limit_mb=2048 || exit 1; \
    done

# An image of the console, by podman, docker or buildah, whichever is there: `just image snapback:1`.
image tag="snapback":
    $(command -v podman || command -v docker || echo buildah) build \
        -t {{tag}} -f assets/deploy/Containerfile .

# Whether systemd takes the unit as it is.
unit:
    .ci/unit

# What CI runs.
ci:
    .ci/run
