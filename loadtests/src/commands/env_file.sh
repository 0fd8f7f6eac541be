# order SHOP TOKEN: places an order and prints its id.
order() {
    curl -s "$1/orders" -H "authorization: Bearer $2" -H 'content-type: application/json' \
        -H "idempotency-key: $(date +%s%N)" \
        -d '{"lines":[{"sku":"product-00001","quantity":1}],"payment_method":"tok_ok"}' |
        sed 's/.*"id":"\([^"]*\)".*/\1/'
}
# sign_up SHOP: registers a customer and prints a token.
sign_up() {
    curl -s "$1/auth/register" -H 'content-type: application/json' \
        -d "{\"email\":\"$(date +%s%N)@example.org\",\"password\":\"correct horse\"}" |
        sed 's/.*"access_token":"\([^"]*\)".*/\1/'
}
