# Runs a command and outlives its owner just long enough to stop it and tidy up.
# Arguments: the signal that stops the command, a directory to remove afterwards (or ""),
# the command's log file, then the command. Standard input is a pipe whose other end the
# owner holds: however the owner ends, even by SIGKILL, the pipe closes and `cat` returns.
signal=$1 remove=$2 log=$3
shift 3

# The shell gives background commands /dev/null to read, so the pipe is kept as descriptor 3.
exec 3<&0 0</dev/null

"$@" >>"$log" 2>&1 3<&- &
pid=$!
echo "$pid"
exec >/dev/null 2>&1

{
    cat <&3
    kill -s "$signal" "$pid"
    for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 1; done
    kill -s KILL "$pid"
} &
watcher=$!

# Asked directly, it stops the command as well, and does not leave it behind.
trap 'kill -s "$signal" "$pid"' HUP INT TERM

# A trapped signal interrupts `wait`, so it is asked again until the command is gone.
while kill -0 "$pid"; do
    wait "$pid"
    status=$?
done

kill "$watcher"
[ -z "$remove" ] || rm -rf "$remove"
exit "$status"
