-- A payment may end refused: the provider will never do what was due, and a person has to look.
alter table payments drop constraint payments_state_check;
alter table payments add constraint payments_state_check check (state in (
    'declined', 'authorized', 'capture_due', 'captured',
    'void_due', 'voided', 'refund_due', 'refunded', 'refused'
));
