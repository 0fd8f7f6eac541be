-- Finds the authorized payments that were not answered.
create index payments_unanswered on payments (updated_at)
    where state = 'authorized' and placed_order is not null;
