-- When a fact happened, by the clock of the service that decided it; `at` is when it was recorded
-- here. Null where a version before this one has recorded it, which happened when it was recorded.
alter table order_facts add column happened_at timestamptz;
