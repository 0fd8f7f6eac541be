# The images that docker-compose.yml builds on, made from Debian's packages and this machine's
# toolchain under names of their own, and passed by the variables that anybody can set. This
# machine's certificates go into the build image alone, for registries behind a proxy.

export RUNTIME_IMAGE=twofold-ci/debian:bookworm
export RUST_IMAGE=twofold-ci/rust:latest
export POSTGRES_IMAGE=twofold-ci/postgres:15
export DOCKER_BUILDKIT=0 COMPOSE_DOCKER_CLI_BUILD=0

missing() { ! docker image inspect "$1" >/dev/null 2>&1; }

make_base_image() {
    missing "$RUNTIME_IMAGE" || return 0
    local root
    root=$(mktemp -d)
    debootstrap --variant=minbase bookworm "$root" >/dev/null
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    tar -C "$root" -c . | docker import - "$RUNTIME_IMAGE" >/dev/null
    rm -rf "$root"
}

make_rust_image() {
    missing "$RUST_IMAGE" || return 0
    local context
    context=$(mktemp -d)
    cp -R "$(rustc --print sysroot)" "$context/rust"
    rm -rf "$context/rust/share"
    cp -L /etc/ssl/certs/ca-certificates.crt "$context/"
    cat >"$context/Dockerfile" <<'DOCKERFILE'
ARG BASE
FROM ${BASE}
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates gcc g++ make cmake libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY rust /usr/local/rust
COPY ca-certificates.crt /etc/ssl/certs/
ENV PATH=/usr/local/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    CARGO_HOME=/usr/local/cargo
DOCKERFILE
    docker build --quiet --build-arg BASE="$RUNTIME_IMAGE" --tag "$RUST_IMAGE" "$context" >/dev/null
    rm -rf "$context"
}

# Debian's Postgres behind as much of the official image's contract as docker-compose.yml and
# testcontainers use: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, PGDATA and the scripts.
make_postgres_image() {
    missing "$POSTGRES_IMAGE" || return 0
    docker build --quiet --build-arg BASE="$RUNTIME_IMAGE" --tag "$POSTGRES_IMAGE" \
        .ci/containers.d/postgres >/dev/null
}
