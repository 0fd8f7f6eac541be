-- Authorizations that no answer came to are told again, by the services alone: the monolith tells
-- nothing, and leaves the columns as they are.

-- The order as it was placed, kept while the payment is authorized. An event carries it whole.
alter table payments add column placed_order jsonb;
-- Each telling doubles the time to the next.
alter table payments add column told_again integer not null default 0;

create index payments_unanswered on payments (updated_at)
    where state = 'authorized' and placed_order is not null;
