-- An account is named by its email in any spelling: normalised (NFKC) and case folded.
--
-- Postgres cannot fold case as Unicode does, so the key comes from the program. An existing address
-- of ASCII letters alone is given its key here, where both agree. Any other keeps none: it is found
-- as before, by the spelling that it was opened with, since several accounts may share a key.

alter table customers add column email_key text;

update customers
set email_key = translate(email, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')
where email ~ '^[\x01-\x7f]*$';

-- The index on lower(email) stays: it finds the accounts without a key, and keeps them unique.
create unique index one_account_per_email_key on customers (email_key);
