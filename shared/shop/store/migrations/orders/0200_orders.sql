-- The order context: the catalogue with its prices, orders as they were placed, and every fact
-- known of them since. A status is read off the facts and therefore not stored.

create table products (
    sku text primary key,
    name text not null,
    -- Nothing is free: no payment provider authorizes nothing.
    price_minor bigint not null check (price_minor > 0),
    currency text not null
);

create table orders (
    id uuid primary key,
    customer_id uuid not null,
    -- The same key twice is the same order: the constraint, not the code, decides the race.
    idempotency_key text not null,
    request jsonb not null,
    payment_method text not null,
    total_minor bigint not null check (total_minor >= 0),
    currency text not null,
    placed_at timestamptz not null default clock_timestamp(),
    constraint one_order_per_idempotency_key unique (customer_id, idempotency_key)
);

create index orders_newest_first on orders (customer_id, id desc);

create table order_lines (
    order_id uuid not null references orders (id),
    sku text not null,
    quantity integer not null check (quantity > 0),
    price_minor bigint not null check (price_minor >= 0),
    primary key (order_id, sku)
);

-- `at` is when the order context learned of the fact, to the clock and not to the transaction's
-- start: the comparison measures the time to a settled order by it.
create table order_facts (
    order_id uuid not null references orders (id),
    fact text not null,
    at timestamptz not null default clock_timestamp(),
    primary key (order_id, fact)
);

-- An order with its lines and facts as arrays, so that one query reads it whole.
create view known_orders as
select orders.id, customer_id, payment_method, currency, placed_at,
       skus, quantities, prices, facts
from orders
cross join lateral (
    select array_agg(sku order by sku) as skus,
           array_agg(quantity order by sku) as quantities,
           array_agg(price_minor order by sku) as prices
    from order_lines
    where order_id = orders.id
) as lines
cross join lateral (
    select array_agg(fact) as facts from order_facts where order_id = orders.id
) as known;
