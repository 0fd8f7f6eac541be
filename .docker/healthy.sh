#!/bin/bash
# Asks the program in this container how it is. An image this small has no curl.
exec 3<>"/dev/tcp/127.0.0.1/${HEALTH_PORT:-8080}" || exit 1
printf 'GET %s HTTP/1.0\r\nhost: localhost\r\n\r\n' "${HEALTH_PATH:-/readyz}" >&3
read -r _ status _ <&3
[ "$status" = 200 ]
