#!/bin/sh
# Run once by Postgres's image on an empty volume: for each name in DATABASES a database and a
# role that owns it and can connect to no other, not even to those that every server has.
set -eu

psql --set ON_ERROR_STOP=1 --username postgres --no-psqlrc --quiet \
    --command 'revoke connect on database postgres, template1 from public'

for name in $DATABASES; do
    psql --set ON_ERROR_STOP=1 --username postgres --no-psqlrc --quiet \
        --set name="$name" --set password="${DATABASE_PASSWORD}_$name" <<'SQL'
create role :"name" login password :'password';
create database :"name" owner :"name";
revoke connect on database :"name" from public;
SQL
done
