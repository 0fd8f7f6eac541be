-- What the order context has told and heard no answer to. The services tell it again; in the
-- monolith, which tells nothing, these tables stay empty.

-- Orders that a look has found overdue: few, however many orders there are.
create table overdue_orders (
    order_id uuid primary key references orders (id),
    look_at timestamptz not null,
    -- Each look doubles the time to the next.
    looks integer not null default 0
);

create index overdue_orders_next on overdue_orders (look_at);

-- How far the looks for overdue orders have come, so that each order is looked for about once.
-- Who locks a row looks; the other replicas do not.
create table overdue_looks (
    what text primary key check (what in ('placed', 'cancel_requested')),
    looked_until timestamptz not null
);

insert into overdue_looks (what, looked_until)
values ('placed', 'epoch'), ('cancel_requested', 'epoch');

create index cancel_requests on order_facts (at) where fact = 'cancel_requested';
