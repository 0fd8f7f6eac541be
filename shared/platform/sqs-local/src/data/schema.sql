-- Format 1 of a data directory. Numbers are signed: ids of 64 bits are stored as they are in
-- memory. Times are milliseconds since the Unix epoch.

create table queue (
    number integer primary key,
    -- The id in its receipt handles.
    id integer not null unique,
    region text not null,
    name text not null,
    created integer not null,
    last_modified integer not null,
    last_purge integer,
    attributes text not null,
    tags text not null,
    last_sequence integer not null default 0,
    last_receive integer not null default 0,
    old_scope text,
    old_scope_until integer
) strict;

-- The key of a message holds its queue's number and its sequence: see `key` in write.rs.
create table message (
    key integer primary key,
    state text not null,
    ends integer not null,
    entered integer not null,
    received integer not null,
    receives_here integer not null,
    receive integer not null,
    receive_count integer not null,
    first_received integer,
    dead_letter_source text
) strict;

-- What never changes of a message. Apart, so that a receive writes a small row.
create table content (
    key integer primary key,
    id blob not null,
    message_group text,
    deduplication_id text,
    body text not null,
    md5 blob not null,
    attributes text not null,
    trace_header text,
    sender text not null,
    sent integer not null
) strict;

-- What a FIFO queue remembers for five minutes: messages it accepted, and receive attempts.
create table sent (
    queue integer not null,
    message_group text not null,
    deduplication_id text not null,
    at integer not null,
    message blob not null,
    sequence integer not null,
    primary key (queue, message_group, deduplication_id)
) strict, without rowid;

create table attempt (
    queue integer not null,
    id text not null,
    at integer not null,
    receipts text not null,
    primary key (queue, id)
) strict, without rowid;

-- Names of deleted queues, which are reserved for a minute.
create table reserved_name (
    arn text primary key,
    deleted integer not null
) strict, without rowid;

create table move_task (
    number integer primary key,
    id blob not null unique,
    region text not null,
    source text not null,
    destination text,
    rate integer,
    started integer not null,
    to_move integer not null,
    moved integer not null,
    status text not null,
    reason text
) strict;
