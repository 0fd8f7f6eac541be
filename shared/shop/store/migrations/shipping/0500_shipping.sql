-- The shipping context. Whoever locks a shipment's row decides between dispatch and cancellation.

create table shipments (
    order_id uuid primary key,
    state text not null check (state in ('scheduled', 'dispatched', 'cancelled')),
    -- The end of the cancellation window.
    dispatch_at timestamptz not null
);

-- What still waits for its dispatch: as long as the window, however many shipments there are.
create index shipments_due on shipments (dispatch_at) where state = 'scheduled';
