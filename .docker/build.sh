#!/bin/sh
# Builds the programs named, or every program that runs in a container. By binary and not by
# package: cargo then selects the features of the whole workspace, for any selection of programs,
# and compiles no dependency a second time.
set -eu

[ $# -gt 0 ] || set -- monolith gateway auth-service order-service payment-service \
    inventory-service shipping-service sqs-local payment-provider seed

# shellcheck disable=SC2046 # the names have no spaces
cargo build --release --locked $(printf -- '--bin %s ' "$@")
