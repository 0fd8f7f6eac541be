-- Finds the cancellations that are to be published again.
create index shipments_cancelled on shipments (dispatch_at)
    where state = 'cancelled' and placed_order is not null;
