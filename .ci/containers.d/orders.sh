# Places orders at a public port, and waits for their status.

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

# The containers' own health checks read the readiness, at another port.
ready() { has_products "$1"; }

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

# Every accepted order is confirmed in the end. The third argument is a command that runs after a
# third of them.
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
