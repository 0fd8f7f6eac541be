# What is tried on the running containers.

# A project, a tag and ports of its own: a shop that runs on this machine already, and its data, are
# left alone. The acceptance suite waits for cancellation windows to end.
export COMPOSE_PROJECT_NAME=twofold-ci TWOFOLD_TAG=ci
export MONOLITH_PORT=18080 SERVICES_PORT=18081 QUEUES_PORT=19324
export MONOLITH_ADMIN_PORT=19080 SERVICES_ADMIN_PORT=19081
export MONOLITH_PROVIDER_PORT=19400 SERVICES_PROVIDER_PORT=19401
export MONOLITH_POSTGRES_PORT=15441 SERVICES_POSTGRES_PORT=15442
export CANCELLATION_WINDOW_MS=2000
MONOLITH=http://127.0.0.1:$MONOLITH_PORT
SERVICES=http://127.0.0.1:$SERVICES_PORT

# Whichever Compose is there understands the file, and variables alone choose another queue server.
check_settings() {
    local queues
    for queues in http://queues:9324 http://elasticmq:9324 http://localstack:4566 \
        https://sqs.eu-central-1.amazonaws.com; do
        SQS_ENDPOINT_URL=$queues compose --profile elasticmq config |
            grep -c "SQS_ENDPOINT_URL: $queues" | grep -qx 4
    done
}

# No root, nothing writable but volumes and /tmp, no capabilities, and the same budget a side.
containers_are_confined() {
    local id
    for id in $(compose ps -q); do
        docker inspect --format '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' \
            "$id" | grep -Eqx '(10001:10001|postgres) true \[ALL\]'
    done
    local monolith services
    monolith=$(budget monolith monolith-postgres)
    services=$(budget gateway auth-service order-service payment-service inventory-service \
        shipping-service services-postgres)
    echo "budgets in billionths of a CPU, and bytes: monolith $monolith, services $services"
    [ "$monolith" = "$services" ]
}

budget() {
    local service
    for service in "$@"; do
        docker inspect --format '{{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}' \
            "$(compose ps -q "$service")"
    done | awk '{ cpus += $1; memory += $2 } END { print cpus, memory }'
}

# The run fails unless every promise was kept.
compare() {
    local password
    password=$(setting DATABASE_PASSWORD)
    local host=127.0.0.1
    TARGET_DATABASE="monolith=postgres://shop:${password}_shop@$host:$MONOLITH_POSTGRES_PORT/shop \
services=postgres://{database}:${password}_{database}@$host:$SERVICES_POSTGRES_PORT/{database}" \
        cargo compare --target "monolith=$MONOLITH" --target "services=$SERVICES" \
        --target-provider "monolith=http://$host:$MONOLITH_PROVIDER_PORT" \
        --target-provider "services=http://$host:$SERVICES_PROVIDER_PORT" \
        --target-queues "services=http://$host:$QUEUES_PORT" \
        --rates 20 --duration 5 --pairs 2
}

# A variable of the shell, else what .env says.
setting() { [ -n "${!1:-}" ] && echo "${!1}" || sed -n "s/^$1=//p" .env; }

crash_and_scale() {
    docker kill "$(compose ps -q payment-service)" >/dev/null
    compose up --detach --no-build --scale payment-service=3 >/dev/null 2>&1 &
}

# Each of the three has handled messages of its own.
work_is_shared() {
    local replica idle=0
    for replica in $(compose ps -q payment-service); do
        docker exec "$replica" bash -c 'exec 3<>/dev/tcp/127.0.0.1/9090
            printf "GET /metrics HTTP/1.0\r\n\r\n" >&3; cat <&3' | grep -q '^messaging_messages_total' ||
            idle=$((idle + 1))
    done
    [ "$idle" = 0 ]
}

# Orders, payments, reservations and shipments so far.
books() {
    ask orders "select count(*) from orders"
    ask payments "select count(*) from payments where state = 'authorized'
        or state = 'captured' or state = 'capture_due'"
    ask inventory "select count(*) from reservations where state = 'held'"
    ask shipping "select count(*) from shipments"
}

# Since the counts were read, every order has added one row to each table, once all have settled.
audit_since() {
    local before after kind more=()
    mapfile -t before <<<"$1"
    mapfile -t after <<<"$(books)"
    for kind in 0 1 2 3; do more+=($((after[kind] - before[kind]))); done
    say "orders ${more[0]}, payments ${more[1]}, reservations ${more[2]}, shipments ${more[3]}"
    [ "${more[0]}" -gt 0 ] || return 1
    for kind in 1 2 3; do [ "${more[kind]}" = "${more[0]}" ] || return 1; done
}

ask() {
    compose exec -T services-postgres psql -U postgres -d "$1" -Atc "$2"
}

# On a stop, each ends by itself within its 10 s. Databases and the providers' ledgers are kept:
# an order that was paid for before is captured after.
stop_and_start() {
    local began=$SECONDS killed
    order_at "$MONOLITH" 1
    compose stop >/dev/null 2>&1
    killed=$(killed_containers)
    say "all stopped after $((SECONDS - began)) s; killed: ${killed:-none}"
    [ -z "$killed" ]

    compose up --detach --no-build --scale payment-service=3 >/dev/null 2>&1
    wait_until "the monolith is ready again" ready "$MONOLITH"
    wait_until "the services are ready again" ready "$SERVICES"
    wait_until "nothing is owed to the monolith's provider" nothing_due
    order_at "$MONOLITH" 3
    order_at "$SERVICES" 3
}

# Exit status 137: Docker killed it after its grace period.
killed_containers() {
    local id
    for id in $(compose ps -aq); do
        docker inspect --format '{{.State.ExitCode}} {{.Name}}' "$id"
    done | sed -n 's#^137 /##p' | paste -sd' '
}

nothing_due() {
    [ "$(compose exec -T monolith-postgres psql -U postgres -d shop -Atc \
        "select count(*) from payments where state = 'capture_due'")" = 0 ]
}
