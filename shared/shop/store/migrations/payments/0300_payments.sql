-- The payment context. One payment an order, by primary key.

create table payments (
    order_id uuid primary key,
    state text not null check (state in (
        'declined', 'authorized', 'capture_due', 'captured',
        'void_due', 'voided', 'refund_due', 'refunded'
    )),
    amount_minor bigint not null check (amount_minor >= 0),
    currency text not null,
    updated_at timestamptz not null default clock_timestamp()
);

-- What is still owed to or by the provider: short, however many payments there are.
create index payments_due on payments (updated_at)
    where state in ('capture_due', 'void_due', 'refund_due');
