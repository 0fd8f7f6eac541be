-- The floor: what the statements of one of the monolith's orders cost Postgres with nothing around
-- them. For a database with the shop's tables, 1,000 products `product-00000` to `product-00999`
-- and stock of each:
--
--   PGOPTIONS='-c plan_cache_mode=force_generic_plan' \
--     pgbench -n -M prepared -c 4 -t 2000 -f loadtests/data/floor.sql
--
-- with `-R 50` for 50 orders a second. Dispatch and capture are not in it.
\set n random(0, 499)
\set m :n + 500
\set r random(0, 200000000000000)

select id, request from orders
where customer_id = '00000000-0000-0000-0000-000000000001'
  and idempotency_key = to_hex(cast(:r as bigint));

select sku, name, price_minor, currency from products
where sku = any(array['product-' || lpad(cast(:n as text), 5, '0'),
                'product-' || lpad(cast(:m as text), 5, '0')])
order by sku;

begin;

select sku, available, reserved from stock
where sku = any(array['product-' || lpad(cast(:n as text), 5, '0'),
                'product-' || lpad(cast(:m as text), 5, '0')])
order by sku for update;

with levels as (
    update stock set available = available - 1, reserved = reserved + 1
    where sku = any(array['product-' || lpad(cast(:n as text), 5, '0'),
                    'product-' || lpad(cast(:m as text), 5, '0')])
)
insert into reservations (order_id, state, skus, quantities)
select cast(lpad(to_hex(cast(:r as bigint)), 32, '0') as uuid), 'held',
    array['product-' || lpad(cast(:n as text), 5, '0'),
          'product-' || lpad(cast(:m as text), 5, '0')], array[1, 1];

insert into shipments (order_id, state, dispatch_at)
values (cast(lpad(to_hex(cast(:r as bigint)), 32, '0') as uuid), 'scheduled',
        clock_timestamp() + interval '1 second');

insert into payments (order_id, state, amount_minor, currency)
values (cast(lpad(to_hex(cast(:r as bigint)), 32, '0') as uuid), 'authorized',
        2000, 'EUR');

with placed as (
    insert into orders (id, customer_id, idempotency_key, request, payment_method, total_minor,
                        currency)
    values (cast(lpad(to_hex(cast(:r as bigint)), 32, '0') as uuid),
            '00000000-0000-0000-0000-000000000001', to_hex(cast(:r as bigint)), '{}', 'tok_ok',
            2000, 'EUR')
    returning id
), lines as (
    insert into order_lines (order_id, sku, quantity, price_minor)
    select id, sku, 1, 1000
    from placed, unnest(array['product-' || lpad(cast(:n as text), 5, '0'),
                        'product-' || lpad(cast(:m as text), 5, '0')]) as sku
)
insert into order_facts (order_id, fact)
select id, fact
from placed, unnest(array['order_placed', 'payment_authorized', 'stock_reserved',
                          'shipment_scheduled']) as fact;

commit;
