# Prints this repository's Cargo.toml, the last file named, reduced to the crates whose manifests
# are named before it. Versions and lints stay as they are. Dependencies that none of these crates
# uses are left out, and so are the profiles of single packages.

FNR == 1 { file++ }

# A crate of the copy: the names of its dependencies.
file < ARGC - 1 {
    if (/^[a-z0-9_-]+(\.workspace| = [{] workspace)/) {
        split($0, words, /[. ]/)
        used[words[1]] = 1
    }
    next
}

# The workspace. A comment is printed with the line that it stands above, or not at all.
function keep(line) {
    printf "%s%s\n", comments, line
    comments = ""
    blank = line == ""
}

/^members = \[/ { keep("members = [\"shared/platform/*\", \"microservices/*\"]"); inside = 1 }
inside { if (/^\]/) inside = 0; next }
/^#/ { comments = comments $0 "\n"; next }
/^\[/ { section = $0; single = /^\[profile\.[a-z]+\.package(\]|\.[a-z])/ }
single { comments = ""; next }
/^$/ { comments = ""; if (!blank) keep(""); next }
section != "[workspace.dependencies]" || /^\[/ || $1 in used { keep($0); next }
{ comments = "" }
