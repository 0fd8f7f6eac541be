#!/bin/sh
# Makes an empty cluster with a password, runs the scripts on it, then becomes Postgres.
set -eu

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
    initdb --username "${POSTGRES_USER:-postgres}" --pwfile /tmp/password --encoding UTF8 \
        --auth-local trust --auth-host scram-sha-256 >/dev/null
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"

    # The official image announces this server, too: clients wait for the message twice.
    pg_ctl --wait --silent start --options="-c listen_addresses=''"
    if [ "${POSTGRES_DB:-postgres}" != postgres ]; then
        createdb --username "${POSTGRES_USER:-postgres}" "$POSTGRES_DB"
    fi
    for script in /docker-entrypoint-initdb.d/*.sh; do
        [ ! -f "$script" ] || sh "$script"
    done
    pg_ctl --wait --silent stop --mode fast
fi
exec "$@" -c listen_addresses='*'
