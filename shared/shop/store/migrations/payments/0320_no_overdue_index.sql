-- The services alone find unanswered payments, and create the index for it themselves
-- (overdue/payments). In the monolith every insert and update of a payment would pay for it.
drop index payments_unanswered;
