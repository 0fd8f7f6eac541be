#!/bin/sh
# Builds every program that runs in a container, and copies them to the directory named, if any.
# The same line builds the dependencies alone when the sources are empty.
set -eu

cargo build --release --locked \
    -p monolith -p gateway -p auth-service -p order-service -p payment-service \
    -p inventory-service -p shipping-service -p sqs-local -p sandbox -p shop

if [ $# -gt 0 ]; then
    mkdir -p "$1"
    find target/release -maxdepth 1 -type f -perm -u+x -exec cp {} "$1" \;
fi
