-- The accounts context: who may sign in.

create table customers (
    id uuid primary key,
    email text not null,
    -- A PHC string: the algorithm, its parameters and the salt stand in it.
    password_hash text not null,
    created_at timestamptz not null default clock_timestamp()
);

-- The case of an address is kept and does not count.
create unique index one_account_per_email on customers (lower(email));
