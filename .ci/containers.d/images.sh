# The images that docker-compose.yml builds on, made from Debian's packages and this machine's
# toolchain under names of their own, and passed by the variables of .env.

suite=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") || suite=bookworm
export RUNTIME_IMAGE=twofold-ci/debian:$suite
export RUST_IMAGE=twofold-ci/rust:$suite
export POSTGRES_IMAGE=twofold-ci/postgres:$suite
PROGRAMS_IMAGE=twofold-ci/programs:$suite

# Clients without the plugin of BuildKit have the older builder.
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0 COMPOSE_DOCKER_CLI_BUILD=0

missing() { ! docker image inspect "$1" >/dev/null 2>&1; }

# The client's advice about its builder does not apply here.
build() { docker build --quiet "$@" >/dev/null 2>/tmp/twofold-build.log || ! cat /tmp/twofold-build.log; }

# All that may fail without being a mistake of ours.
fetch_debian() {
    missing "$RUNTIME_IMAGE" || return 0
    debian=$(mktemp -d)
    debootstrap --variant=minbase "$suite" "$debian" >/tmp/twofold-debootstrap.log 2>&1 && return
    tail -n 3 /tmp/twofold-debootstrap.log
    rm -rf "$debian"
    return 1
}

make_base_images() {
    make_base_image
    make_postgres_image
    [ "$mode" = light ] || make_rust_image
}

make_base_image() {
    missing "$RUNTIME_IMAGE" || return 0
    rm -rf "$debian"/var/cache/apt/archives/*.deb "$debian"/var/lib/apt/lists/*
    tar -C "$debian" -c . | docker import - "$RUNTIME_IMAGE" >/dev/null
    rm -rf "$debian"
}

# Debian's Postgres behind as much of the official image's contract as docker-compose.yml and
# testcontainers use: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, PGDATA and the scripts.
make_postgres_image() {
    missing "$POSTGRES_IMAGE" || return 0
    build --build-arg BASE="$RUNTIME_IMAGE" --tag "$POSTGRES_IMAGE" .ci/containers.d/postgres
}

# No more than the official image has: a compiler for C, and no cmake. This machine's certificates,
# which a registry behind a proxy may need, stay where no later stage takes them from.
make_rust_image() {
    missing "$RUST_IMAGE" || return 0
    local context
    context=$(mktemp -d)
    cp -R "$(rustc --print sysroot)" "$context/rust"
    rm -rf "$context/rust/share"
    cp -L /etc/ssl/certs/ca-certificates.crt "$context/machine.crt"
    cp .ci/containers.d/rust/Dockerfile "$context/"
    build --build-arg BASE="$RUNTIME_IMAGE" --tag "$RUST_IMAGE" "$context" ||
        { rm -rf "$context" && return 1; }
    rm -rf "$context"
}

make_images_whole() { compose build --quiet; }

# The Dockerfile's last stage, on programs that cargo has built here.
make_images_light() {
    .docker/build.sh
    local root program
    root=$(mktemp -d)
    mkdir -p "$root"/{programs,var/lib/twofold,etc/ssl/certs}
    cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    for program in $(programs); do
        cp "${CARGO_TARGET_DIR:-target}/release/$program" "$root/programs/"
    done
    tar -C "$root" -c . | docker import - "$PROGRAMS_IMAGE" >/dev/null
    rm -rf "$root"

    for program in $(programs); do
        {
            printf 'ARG RUNTIME_IMAGE\nFROM %s AS build\n' "$PROGRAMS_IMAGE"
            sed -n '/^FROM ${RUNTIME_IMAGE}$/,$p' Dockerfile
        } | build --build-arg RUNTIME_IMAGE="$RUNTIME_IMAGE" --build-arg PROGRAM="$program" \
            --tag "twofold/$program:$TWOFOLD_TAG" --file - .
    done
}

programs() { compose config | sed -n 's/^ *PROGRAM: //p' | sort -u; }

# The size on top of the base.
images_are_small() {
    local base size program
    base=$(docker image inspect --format '{{.Size}}' "$RUNTIME_IMAGE")
    for program in $(programs); do
        size=$(docker image inspect --format '{{.Size}}' "twofold/$program:$TWOFOLD_TAG")
        size=$(((size - base) / 1000000))
        echo "$program $size MB"
        [ "$size" -lt 40 ]
    done
}
