# The commands of this project; `just` lists them.

default:
    @just --list

# Everything that must hold before a change lands
test:
    ./test

# Audit throughput against the floor of the same work, measured in the same run
bench:
    cargo bench -p sigma --bench audit

# The worst files that can be made by hand: none may take two seconds
bench-worst *ARGS:
    cargo bench -p sigma-analysis --bench worst -- {{ARGS}}

# CPU time of the engine and of GuardDog on the same archives; FOLDER adds archives of yours
bench-peers *ARGS:
    python3 bench/peers.py {{ARGS}}

# Fuzz one target for some seconds (docs/fuzzing.md); needs a nightly toolchain and cargo-fuzz
fuzz TARGET SECONDS='600' *FLAGS:
    mkdir -p fuzz/corpus/{{TARGET}}
    cd fuzz && cargo +nightly fuzz run {{FLAGS}} {{TARGET}} corpus/{{TARGET}} seeds/{{TARGET}} -- -max_total_time={{SECONDS}} -timeout=20 -rss_limit_mb=512

# Recall and false positives on labelled archives: DIR holds malicious/ and benign/
eval DIR *FLAGS:
    cargo run --release --quiet -p sigma-scan --bin sigma-eval -- {{DIR}} {{FLAGS}}

# The page of rules, made from the rules themselves
rules:
    cargo run --quiet -p sigma -- rules --format markdown > docs/rules.md
