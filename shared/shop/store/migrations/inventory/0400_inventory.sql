-- The inventory context. Pieces move between available and reserved; neither goes below zero.

create table stock (
    sku text primary key,
    available bigint not null constraint stock_never_negative check (available >= 0),
    reserved bigint not null default 0 constraint reserved_never_negative check (reserved >= 0)
);

-- One reservation an order, by primary key. A rejected or released one holds no stock and stays,
-- so that a late or repeated event finds it.
create table reservations (
    order_id uuid primary key,
    state text not null check (state in ('held', 'rejected', 'released')),
    skus text[] not null,
    quantities integer[] not null,
    check (cardinality(skus) = cardinality(quantities))
);
