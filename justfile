# The commands of this project; `just` lists them.

default:
    @just --list

# Everything that must hold before a change lands
test:
    ./test

# Audit throughput against the floor of the same work, measured in the same run
bench:
    cargo bench -p sigma --bench audit

# Recall and false positives on labelled archives: DIR holds malicious/ and benign/
eval DIR *FLAGS:
    cargo run --release --quiet -p sigma-scan --bin sigma-eval -- {{DIR}} {{FLAGS}}

# The page of rules, made from the rules themselves
rules:
    cargo run --quiet -p sigma -- rules --format markdown > docs/rules.md
