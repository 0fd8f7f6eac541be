-- A request to cancel marks its order as overdue when it is made, so no index has to find it. Every
-- fact of every order would pay for that index.

insert into overdue_orders (order_id, look_at)
select order_id, clock_timestamp() from order_facts as request
where fact = 'cancel_requested' and not exists (
    select from order_facts as answer
    where answer.order_id = request.order_id
      and answer.fact in ('shipment_cancelled', 'cancel_refused'))
on conflict (order_id) do update set look_at = excluded.look_at, looks = 0;

delete from overdue_looks where what = 'cancel_requested';

drop index cancel_requests;
