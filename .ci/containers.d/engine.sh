# A Docker engine: the one that runs, or one that is installed and started for this script.

engine_pid=

have_engine() {
    docker info >/dev/null 2>&1 && have_compose && have_debootstrap && return
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    if ! command -v dockerd >/dev/null || ! have_compose || ! have_debootstrap; then
        apt-get update -qq >/dev/null 2>&1 &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
                docker.io docker-compose debootstrap iptables >/dev/null 2>&1 || return 1
    fi
    docker info >/dev/null 2>&1 && return
    start_engine
}

have_compose() {
    docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null
}

have_debootstrap() { command -v debootstrap >/dev/null; }

start_engine() {
    # What is published without an address stays on this machine.
    dockerd --ip 127.0.0.1 >/tmp/twofold-dockerd.log 2>&1 &
    engine_pid=$!
    for _ in $(seq 60); do
        docker info >/dev/null 2>&1 && return
        kill -0 "$engine_pid" 2>/dev/null || break
        sleep 1
    done
    tail -n 3 /tmp/twofold-dockerd.log
    return 1
}

# Both profiles, by the Compose that is installed. A project and ports of its own, so that a shop that
# runs on this machine already is left alone.
compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose --profile monolith --profile services "$@"
    else
        docker-compose --profile monolith --profile services "$@"
    fi
}

clean_up() {
    compose down --volumes --remove-orphans --timeout 10 >/dev/null 2>&1 || true
    [ -z "$engine_pid" ] || { kill "$engine_pid" && wait "$engine_pid"; } 2>/dev/null || true
}
