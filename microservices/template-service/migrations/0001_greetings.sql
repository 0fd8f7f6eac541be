create table greetings (
    name text primary key,
    times bigint not null
);
