//! Reads the imports of a source file as text.

/// A path of names, such as that of a module.
pub(crate) type Module = Vec<String>;

/// The beginnings of re-exports.
pub(crate) const FACADE: [&str; 3] = ["pub use ", "pub(crate) use ", "pub(super) use "];

/// The source without comments and without the module of tests, which comes last in a file. A
/// module of tests in a file of its own is only a declaration.
pub(crate) fn without_tests(source: &str) -> String {
    let end = source.find("\n#[cfg(test)]\nmod tests {");
    let code = &source[..end.unwrap_or(source.len())];
    let lines = code.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// What stands between the keyword, at the beginning of a line, and the semicolon.
pub(crate) fn declarations(source: &str, keyword: &str) -> Vec<String> {
    let mut found = vec![];
    let mut rest = source;
    while let Some(at) = rest.find(keyword) {
        let line = &rest[..at];
        let begins = line.rsplit('\n').next().unwrap_or("").trim().is_empty();
        rest = &rest[at + keyword.len()..];
        if begins {
            let end = rest.find(';').unwrap_or(rest.len());
            found.push(rest[..end].split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    found
}

/// `a::{b, c as d}` is `a::b` under the name `b`, and `a::c` under the name `d`.
pub(crate) fn expanded(tree: &str) -> Vec<(Module, String)> {
    let tree = tree.trim();
    if let Some((before, inside)) = tree.split_once('{') {
        let inside = inside.strip_suffix('}').unwrap_or(inside);
        let prefix = path(before);
        let parts = split(inside);
        let parts = parts.iter().flat_map(|part| expanded(part));
        return parts
            .map(|(rest, alias)| ([&prefix[..], &rest[..]].concat(), alias))
            .collect();
    }
    let (item, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
    let path = path(item);
    let last = path.last().cloned().unwrap_or_default();
    let alias = if alias.is_empty() {
        last
    } else {
        alias.trim().to_owned()
    };
    vec![(path, alias)]
}

fn path(text: &str) -> Module {
    let parts = text.split("::").map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}

/// At commas outside of braces.
fn split(inside: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut begin) = (vec![], 0, 0);
    for (at, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inside[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[begin..]);
    parts
        .into_iter()
        .filter(|part| !part.trim().is_empty())
        .collect()
}

/// Paths in expressions and types, such as `super::schedule::due_times`.
pub(crate) fn inline_paths(source: &str) -> Vec<Module> {
    let lines = source.lines().filter(|line| {
        let line = line.trim_start();
        !FACADE.iter().any(|keyword| line.starts_with(keyword))
    });
    let words = lines.flat_map(|line| {
        line.split(|letter: char| !(letter.is_alphanumeric() || "_:".contains(letter)))
    });
    let own = |word: &&str| {
        ["crate::", "super::", "self::"]
            .iter()
            .any(|root| word.starts_with(root))
    };
    words.filter(own).map(path).collect()
}
