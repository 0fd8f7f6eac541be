# Runs a command, stops it when its owner ends, and then removes its directory.
# Arguments: the signal that stops the command, a directory to remove afterwards (or ""),
# the command's log file, then the command. Standard input is a pipe whose other end the
# owner holds. When the owner ends, even by SIGKILL, the pipe closes and `cat` returns.
signal=$1 remove=$2 log=$3
shift 3

# Background commands read from /dev/null, so descriptor 3 keeps the pipe.
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

# A signal to this script also stops the command.
trap 'kill -s "$signal" "$pid"' HUP INT TERM

# A trapped signal interrupts `wait`, so the loop waits until the command has ended.
while kill -0 "$pid"; do
    wait "$pid"
    status=$?
done

kill "$watcher"
[ -z "$remove" ] || rm -rf "$remove"
exit "$status"
