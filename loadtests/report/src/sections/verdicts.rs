//! The verdicts and their caveats, which the page begins with.

use analysis::Finding;
use analysis::caveats::caveats;
use analysis::headline::headline;
use analysis::model::{ArmName, Results};
use analysis::sentences::capitalised;
use maud::{Markup, html};

/// Grouped by the arm that is compared with the first. The last arm of the dial comes first, since
/// most readers look for it.
pub(crate) fn verdicts(results: &Results) -> Markup {
    let verdicts = headline(results);
    let others = results.settings.arms.iter().skip(1).rev();
    let others: Vec<&ArmName> = others
        .filter(|arm| verdicts.iter().any(|one| one.other == **arm))
        .collect();
    html! {
        section aria-label="Verdicts" {
            @for arm in &others {
                @if others.len() > 1 { h3 { (capitalised(&arm.phrase())) } }
                ul.verdicts { @for verdict in verdicts.iter().filter(|one| one.other == **arm) {
                    @let (class, kind) = kind(&verdict.finding);
                    li class=(class) { span.kind { (kind) } (verdict.sentence) }
                } }
            }
            @if verdicts.is_empty() {
                p.partial { "There is nothing to compare: there is only one arm, or no pair of \
                    runs was finished." }
            }
            @for caveat in caveats(results) { p.note { (caveat) } }
        }
    }
}

fn kind(finding: &Finding) -> (&'static str, &'static str) {
    match finding {
        Finding::Ratio => ("ratio", "a ratio with its interval"),
        Finding::NoDifference => ("same", "no difference shown"),
        Finding::Inconclusive => ("open", "inconclusive"),
        Finding::Void { .. } => ("void", "void"),
    }
}
