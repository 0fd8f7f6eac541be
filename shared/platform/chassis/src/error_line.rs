//! An error and its causes in one line.

/// Joins the error and its causes with colons. A cause that the error already quotes is left out.
pub(crate) fn error_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.ends_with(&cause) {
            let separator = if line.is_empty() { "" } else { ": " };
            line = format!("{line}{separator}{cause}");
        }
    }
    line.replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_quoted_cause_is_printed_once() {
        let check = |error: anyhow::Error, expected: &str| assert_eq!(error_line(&error), expected);
        check(anyhow!("cause"), "cause");
        check(anyhow!("cause").context("error"), "error: cause");
        check(anyhow!("cause").context("error: cause"), "error: cause");
        check(anyhow!("two\nlines").context("error"), "error: two lines");
    }
}
