//! The document of the page: its HTML with its style and its scripts put in.

/// The files that `page.html` names, each with its text.
const FILES: &[(&str, &str)] = &[
    ("style.css", include_str!("../page/style.css")),
    ("maps.css", include_str!("../page/maps.css")),
    ("drawings.css", include_str!("../page/drawings.css")),
    ("words.js", include_str!("../page/words.js")),
    ("state.js", include_str!("../page/state.js")),
    ("stream.js", include_str!("../page/stream.js")),
    ("history.js", include_str!("../page/history.js")),
    ("parts.js", include_str!("../page/parts.js")),
    ("arrows.js", include_str!("../page/arrows.js")),
    ("menus.js", include_str!("../page/menus.js")),
    ("guide.js", include_str!("../page/guide.js")),
    ("charts.js", include_str!("../page/charts.js")),
    ("save.js", include_str!("../page/save.js")),
    ("journey.js", include_str!("../page/journey.js")),
    ("timescale.js", include_str!("../page/timescale.js")),
    ("sequence.js", include_str!("../page/sequence.js")),
    ("messages.js", include_str!("../page/messages.js")),
    ("audit.js", include_str!("../page/audit.js")),
    ("predict.js", include_str!("../page/predict.js")),
    ("main.js", include_str!("../page/main.js")),
];

/// What the document may do: run and show what is in it, and call this server.
pub(crate) const SECURITY_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; \
    style-src 'unsafe-inline'; connect-src 'self'; img-src data:; frame-ancestors 'none'";

/// One document without an address outside of itself.
pub(crate) fn document() -> String {
    let mut document = include_str!("../page/page.html").to_owned();
    for (name, text) in FILES {
        let (element, link) = link(name);
        document = document.replacen(&link, &format!("<{element}>\n{text}</{element}>"), 1);
    }
    document
}

/// The element that a file is put in, and the one that names it.
fn link(name: &str) -> (&'static str, String) {
    match name.ends_with(".css") {
        true => ("style", format!(r#"<link rel="stylesheet" href="{name}">"#)),
        false => ("script", format!(r#"<script src="{name}"></script>"#)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_in_the_document_and_nothing_is_fetched() {
        let page = include_str!("../page/page.html");
        let document = document();
        for (name, text) in FILES {
            assert!(
                page.contains(&link(name).1),
                "page.html does not name {name}"
            );
            assert!(document.contains(text), "{name} is not in the document");
        }
        for tag in ["<script src=", "<link rel=\"stylesheet\""] {
            assert!(
                !document.contains(tag),
                "{tag} names a file that is not in the table"
            );
        }
    }
}
