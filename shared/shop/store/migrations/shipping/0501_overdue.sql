-- Shipments whose dispatch or cancellation may not have been heard of are told again, by the
-- services alone: the monolith tells nothing, and leaves the columns as they are.

-- The order as it was placed, kept until there is nothing left to tell. An event carries it whole.
alter table shipments add column placed_order jsonb;
alter table shipments add column told_again integer not null default 0;

create index shipments_cancelled on shipments (dispatch_at)
    where state = 'cancelled' and placed_order is not null;
