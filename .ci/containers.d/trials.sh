# What is tried on the running containers: orders at both doors, a consumer killed and more of
# them while orders come in, and the suites of tests on containers of their own.

MONOLITH=http://127.0.0.1:${MONOLITH_PORT:-8080}
SERVICES=http://127.0.0.1:${SERVICES_PORT:-8081}

wait_until() {
    local what=$1
    shift
    for _ in $(seq 120); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 1
    done
    say "waited in vain until $what"
    compose ps
    compose logs --tail 20
    return 1
}

ready() { curl -sf --max-time 2 "$1/readyz" && has_products "$1"; }

has_products() { curl -sf --max-time 2 "$1/products?limit=1" | grep -q product-; }

sign_up() {
    curl -sf "$1/auth/register" -H 'content-type: application/json' \
        -d "{\"email\":\"$RANDOM$RANDOM@example.org\",\"password\":\"correct horse\"}" |
        sed 's/.*"access_token":"\([^"]*\)".*/\1/'
}

# Prints the new order's id.
place() {
    curl -sf --retry 5 --retry-all-errors --retry-delay 1 --max-time 12 "$1/orders" \
        -H "authorization: Bearer $2" -H 'content-type: application/json' \
        -H "idempotency-key: $3" \
        -d '{"lines":[{"sku":"product-00001","quantity":2}],"payment_method":"tok_ok"}' |
        sed 's/.*"id":"\([^"]*\)".*/\1/'
}

settled() {
    curl -sf --max-time 2 "$1/orders/$3" -H "authorization: Bearer $2" |
        grep -Eq '"status":"(confirmed|dispatched)"'
}

# Every order that a door accepted is confirmed in the end.
order_at() {
    local door=$1 count=$2 token order orders=
    token=$(sign_up "$door")
    for number in $(seq "$count"); do
        order=$(place "$door" "$token" "trial-$number-$RANDOM")
        orders="$orders $order"
        [ $# -lt 3 ] || [ "$number" != $((count / 3)) ] || "$3"
    done
    for order in $orders; do
        wait_until "order $order at $door is confirmed" settled "$door" "$token" "$order"
    done
    say "$count orders at $door were confirmed"
}

crash_and_scale() {
    docker kill "$(compose ps -q payment-service)" >/dev/null
    compose up --detach --no-build --scale payment-service=3 >/dev/null 2>&1 &
}

# Each of the three has settled payments of its own.
work_is_shared() {
    local replica idle=0
    for replica in $(compose ps -q payment-service); do
        docker exec "$replica" bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080
            printf "GET /metrics HTTP/1.0\r\n\r\n" >&3; cat <&3' | grep -q '^messaging_messages_total' ||
            idle=$((idle + 1))
    done
    [ "$idle" = 0 ]
}

# What the databases must agree on when no order is under way.
audit() {
    local orders payments shipments reserved
    orders=$(ask orders "select count(*) from orders")
    payments=$(ask payments "select count(*) from payments where state = 'authorized'
        or state = 'captured' or state = 'capture_due'")
    shipments=$(ask shipping "select count(*) from shipments")
    reserved=$(ask inventory "select count(*) from reservations where state = 'held'")
    say "orders $orders, payments $payments, reservations $reserved, shipments $shipments"
    [ "$orders" = "$payments" ] && [ "$orders" = "$reserved" ] && [ "$orders" = "$shipments" ]
}

ask() {
    compose exec -T services-postgres psql -U postgres -d "$1" -Atc "$2"
}

test_on_containers() {
    TWOFOLD_TEST_BACKEND=containers SQS_IMAGE=twofold/sqs-local:latest \
        cargo test --features sandbox/containers -p store -p shop -p sandbox --test it
    wait_until "the tests' containers are gone" no_container_but_ours
}

no_container_but_ours() {
    [ "$(docker ps -q | wc -l)" = "$(compose ps -q | wc -l)" ]
}
