-- The services alone publish cancellations again, and create the index for it themselves
-- (overdue/shipping). In the monolith every insert and update of a shipment would pay for it.
drop index shipments_cancelled;
