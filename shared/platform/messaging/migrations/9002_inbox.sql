-- Messages whose effect is in this database already.
create table inbox (
    message_id uuid not null,
    queue text not null,
    received_at timestamptz not null default now(),
    primary key (message_id, queue)
);

-- For pruning. Rows come in the order of time, so a block range index is enough and costs nothing.
create index inbox_received_at on inbox using brin (received_at);
