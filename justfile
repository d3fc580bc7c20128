# The commands of this project; `just` lists them.

default:
    @just --list

# Everything that must hold before a change lands
test:
    ./test

# Audit throughput against the floor of the same work, measured in the same run
bench:
    cargo bench -p sigma --bench audit

# What a preview costs where everything is certified, beside opening the certificates and beside uv
bench-preview:
    cargo bench -p sigma --bench preview

# A submission of fifty files from checkout to certificate, beside its own run
bench-submission:
    cargo bench -p sigma --bench submission

# The worst files that can be made by hand: none may take two seconds
bench-worst *ARGS:
    cargo bench -p sigma-analysis --bench worst -- {{ARGS}}

# What the engine costs above the floor on the archives of a folder; `--files` lists the dearest files
bench-throughput *ARGS:
    cargo bench -p sigma-analysis --bench throughput -- {{ARGS}}

# Whether four times the size of a hostile file costs four times the instructions (needs valgrind)
bench-growth *ARGS:
    cargo bench -p sigma-analysis --bench growth -- {{ARGS}}

# Time of `sigma scan` and of GuardDog on the same archives, by the clock and CPU; FOLDER adds archives of yours
bench-peers *ARGS:
    python3 bench/peers.py {{ARGS}}

# Certificate look-ups over HTTP against a bare server of the same framework; `certificates=1000000`
bench-api *ARGS:
    cargo bench -p sigma-server --bench api -- {{ARGS}}

# A store with many certificates for the next two: `certificates=10000000 folder=PATH`, or an empty PostgreSQL database
bench-fill *ARGS:
    cargo bench -p sigma-store --bench fill -- {{ARGS}}

# What one look-up costs in the store alone, without a server
bench-lookup *ARGS:
    cargo bench -p sigma-store --bench lookup -- {{ARGS}}

# What it costs to move a store from SQLite: `from=FOLDER postgres://…`, an empty database
bench-copy *ARGS:
    cargo bench -p sigma-store --bench copy -- {{ARGS}}

# What an answer takes to be written, with its members in order and by name
bench-answer *ARGS:
    cargo bench -p sigma-certificate --bench answer -- {{ARGS}}

# Fuzz one target for some seconds (docs/fuzzing.md); needs a nightly toolchain and cargo-fuzz
fuzz TARGET SECONDS='600' *FLAGS:
    mkdir -p fuzz/corpus/{{TARGET}}
    cd fuzz && cargo +nightly fuzz run {{FLAGS}} {{TARGET}} corpus/{{TARGET}} seeds/{{TARGET}} -- -max_total_time={{SECONDS}} -timeout=20 -rss_limit_mb=512

# Recall and false positives: on our own samples, or on the archives in DIR's malicious/ and benign/
eval DIR="crates/scan/samples" *FLAGS="":
    cargo run --release --quiet -p sigma-scan --bin sigma-eval -- {{DIR}} {{FLAGS}}

# Fetch the pinned popular packages into DIR/benign (about 410 MB, outside the checkout), for `just eval DIR`
fetch-popular DIR:
    crates/scan/fetch-popular {{DIR}}

# The page of rules, made from the rules themselves
rules:
    cargo run --quiet -p sigma -- rules --format markdown > docs/rules.md

# Durable claim-and-acknowledge a second, and CPU a job: SQLite, and the PostgreSQL database at URL
bench-queue *URL:
    cargo bench -p sigma-store --bench queue -- {{URL}}

# The dictionary that the server packs answers against, trained on those of running servers
dictionary *URLS:
    crates/server/data/train {{URLS}}
