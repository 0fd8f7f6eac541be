//! Parts a Rust source into code and comments, line by line. Text in quotes is in neither: it may
//! hold names on the wire, in SQL or of metrics.

/// One line of a source.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Line {
    /// The code, with a blank in place of each text in quotes.
    pub(crate) code: String,
    pub(crate) comment: String,
}

pub(crate) fn lines(source: &str) -> Vec<Line> {
    let mut lexer = Lexer {
        rest: source,
        lines: vec![Line::default()],
    };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    lexer.lines
}

/// The identifiers of a line of code.
pub(crate) fn identifiers(code: &str) -> impl Iterator<Item = &str> {
    let words = code.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with(|first: char| first.is_alphabetic() || first == '_'))
}

/// The words of an identifier in lower case: `lag_ms` and `LagMs` are both `lag` and `ms`.
pub(crate) fn words(identifier: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for letter in identifier.chars() {
        if letter == '_' || (letter.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        if letter != '_' {
            let last = words.last_mut().unwrap();
            last.extend(letter.to_lowercase());
        }
        after_lower = letter.is_lowercase() || letter.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

struct Lexer<'a> {
    rest: &'a str,
    lines: Vec<Line>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        if self.rest.starts_with("//") {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.comment(end);
        } else if self.rest.starts_with("/*") {
            self.comment(block(self.rest));
        } else if let Some(end) = raw_text(self.rest).filter(|_| !self.is_within_a_word()) {
            self.quoted(end);
        } else if self.rest.starts_with('"') {
            self.quoted(text(self.rest));
        } else if let Some(end) = character(self.rest) {
            self.quoted(end);
        } else {
            let letter = self.rest.chars().next().unwrap();
            self.code(letter);
            self.rest = &self.rest[letter.len_utf8()..];
        }
    }

    fn is_within_a_word(&self) -> bool {
        let last = self.lines.last().unwrap().code.chars().last();
        last.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    }

    fn code(&mut self, letter: char) {
        match letter {
            '\n' => self.lines.push(Line::default()),
            _ => self.lines.last_mut().unwrap().code.push(letter),
        }
    }

    fn comment(&mut self, end: usize) {
        let (comment, rest) = self.rest.split_at(end);
        for (n, line) in comment.split('\n').enumerate() {
            if n > 0 {
                self.lines.push(Line::default());
            }
            self.lines.last_mut().unwrap().comment += line;
        }
        self.rest = rest;
    }

    fn quoted(&mut self, end: usize) {
        let (quoted, rest) = self.rest.split_at(end);
        self.code(' ');
        for _ in quoted.matches('\n') {
            self.code('\n');
        }
        self.rest = rest;
    }
}

/// The length of a block comment. Blocks nest.
fn block(source: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < source.len() {
        let rest = &source[at..];
        if rest.starts_with("/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if rest.starts_with("*/") {
            (at, depth) = (at + 2, depth - 1);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    source.len()
}

/// The length of a text in quotes.
fn text(source: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in source.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    source.len()
}

/// The length of `r"..."`, `br#"..."#` and their like.
fn raw_text(source: &str) -> Option<usize> {
    let after = source.trim_start_matches(['b', 'c']).strip_prefix('r')?;
    let prefix = source.len() - after.len();
    let hashes = after.len() - after.trim_start_matches('#').len();
    let inside = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    (prefix <= 2).then_some(prefix + hashes + 1 + length)
}

/// The length of a character in quotes. A lifetime is none.
fn character(source: &str) -> Option<usize> {
    let inside = source.strip_prefix('\'')?;
    let first = inside.chars().next()?;
    let letter = if first == '\\' {
        1 + inside[1..].chars().next()?.len_utf8()
    } else {
        first.len_utf8()
    };
    let end = inside[letter..].find('\'')?;
    let is_character = end == 0 || (first == '\\' && end < 10);
    is_character.then_some(1 + letter + end + 1)
}

#[test]
fn code_and_comments_are_parted() {
    let check = |source: &str, code: &str, comment: &str| {
        let line = lines(source).remove(0);
        assert_eq!((line.code.trim(), line.comment.trim()), (code, comment));
    };
    check("let a = 1; // one", "let a = 1;", "// one");
    check("/// A doc comment.", "", "/// A doc comment.");
    check("a(\"b // c\") // d", "a( )", "// d");
    check("a(\"\\\"b\") // d", "a( )", "// d");
    check("a(r#\"b \" c\"#, 1)", "a( , 1)", "");
    check("a(b'\"', '\\'', '\\u{41}') // d", "a(b ,  ,  )", "// d");
    check("fn f<'a>(a: &'a str) {}", "fn f<'a>(a: &'a str) {}", "");
    check("a /* b /* c */ d */ e", "a  e", "/* b /* c */ d */");
    let two = lines("a(\"b\n c\"); // d\ne");
    assert_eq!(
        (two[1].comment.as_str(), two[2].code.as_str()),
        ("// d", "e")
    );
}

#[test]
fn an_identifier_has_words() {
    let check = |identifier: &str, expected: &[&str]| assert_eq!(words(identifier), expected);
    check("send_delay_ms", &["send", "delay", "ms"]);
    check("SendDelay2Ms", &["send", "delay2", "ms"]);
    check("POLL_INTERVAL", &["poll", "interval"]);
    check("_started", &["started"]);
}
