-- The accounts context, filled in by its owner.
select 1;
