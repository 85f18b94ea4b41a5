//! Allowances for what the checkout does not keep yet: numbers that only go down.
//!
//! A rule that counts has a limit. Where the checkout is above it, `xtask/allowances.txt` says by how
//! much, a line each: rule, subject, number. More than that is an offence, and so is less, until the
//! number is lowered (`cargo xtask tidy --lower` does it).

use std::fmt::Write as _;

use super::{Checkout, Finding};

/// The file of allowances.
pub(super) const PATH: &str = "xtask/allowances.txt";

/// The number of times that one subject of a rule occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Count {
    /// Name of the rule: one word.
    pub(super) rule: &'static str,
    /// A tag, a crate.
    pub(super) subject: String,
    pub(super) number: usize,
    /// The number that needs no allowance.
    pub(super) limit: usize,
    /// File to look at first.
    pub(super) path: String,
    /// Counted from 1.
    pub(super) line: usize,
    /// The places, and what to do instead.
    pub(super) message: String,
}

struct Allowance<'a> {
    rule: &'a str,
    subject: &'a str,
    number: usize,
    /// Counted from 1.
    line: usize,
}

/// Counts above their allowance, and allowances that are too high.
pub(super) fn check(checkout: &Checkout, counts: &[Count]) -> Vec<Finding> {
    let text = text(checkout);
    let allowances: Vec<Allowance<'_>> = allowances(text).collect();
    let mut findings: Vec<Finding> = counts
        .iter()
        .filter_map(|count| {
            let entry = allowances.iter().find(|entry| entry.is_for(count));
            let allowed = entry.map_or(count.limit, |entry| entry.number);
            (count.number > allowed).then(|| Finding {
                path: count.path.clone(),
                line: count.line,
                message: format!(
                    "{}: {} {}, at most {allowed}: {}",
                    count.rule, count.subject, count.number, count.message
                ),
            })
        })
        .collect();
    findings.extend(allowances.iter().filter_map(|entry| entry.too_high(counts)));
    findings
}

/// The text of the file with every number lowered to what is counted; lines that are not needed go.
/// A number that is too low stays.
pub(super) fn lowered(checkout: &Checkout, counts: &[Count]) -> String {
    let mut lowered = String::new();
    for line in text(checkout).lines() {
        let Some(entry) = allowances(line).next() else {
            lowered += line;
            lowered.push('\n');
            continue;
        };
        if let Some(count) = entry.needed_for(counts) {
            let (rule, subject) = (entry.rule, entry.subject);
            let number = entry.number.min(count.number);
            writeln!(lowered, "{rule} {subject} {number}").expect("a string takes any text");
        }
    }
    lowered
}

impl Allowance<'_> {
    fn is_for(&self, count: &Count) -> bool {
        self.rule == count.rule && self.subject == count.subject
    }

    /// The count that is above its limit and takes this allowance.
    fn needed_for<'a>(&self, counts: &'a [Count]) -> Option<&'a Count> {
        let mut counts = counts.iter().filter(|count| self.is_for(count));
        counts.find(|count| count.number > count.limit)
    }

    fn too_high(&self, counts: &[Count]) -> Option<Finding> {
        let (rule, subject) = (self.rule, self.subject);
        let advice = match self.needed_for(counts) {
            Some(count) if count.number >= self.number => return None,
            Some(count) => format!("now {}", count.number),
            None => "is not needed any more".into(),
        };
        Some(Finding {
            path: PATH.into(),
            line: self.line,
            message: format!("{rule} {subject} {advice}: run `cargo xtask tidy --lower`"),
        })
    }
}

fn text(checkout: &Checkout) -> &str {
    let file = checkout.files.iter().find(|file| file.path == PATH);
    file.map_or("", |file| &file.text)
}

/// The allowances of a text; a line that begins with # is a comment.
fn allowances(text: &str) -> impl Iterator<Item = Allowance<'_>> {
    text.lines().enumerate().filter_map(|(index, line)| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            [rule, subject, number] if !rule.starts_with('#') => Some(Allowance {
                rule,
                subject,
                number: number.parse().ok()?,
                line: index + 1,
            }),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(number: usize) -> Count {
        Count {
            rule: "places",
            subject: "[A1]".into(),
            number,
            limit: 1,
            path: "a.rs".into(),
            line: 7,
            message: "compute it once".into(),
        }
    }

    fn messages(allowances: &str, number: usize) -> Vec<String> {
        let checkout = Checkout::made_up(&[(PATH, allowances)]);
        let findings = check(&checkout, &[count(number)]);
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn the_limit_holds_without_an_allowance() {
        assert_eq!(messages("", 1), Vec::<String>::new());
        let expected = "a.rs:7: places: [A1] 2, at most 1: compute it once";
        assert_eq!(messages("# words\n", 2), [expected]);
    }

    #[test]
    fn more_and_less_than_the_allowance_are_found() {
        assert_eq!(messages("places [A1] 3", 3), Vec::<String>::new());
        let expected = "a.rs:7: places: [A1] 4, at most 3: compute it once";
        assert_eq!(messages("places [A1] 3", 4), [expected]);
        let expected = "xtask/allowances.txt:2: places [A1] now 2: run `cargo xtask tidy --lower`";
        assert_eq!(messages("\nplaces [A1] 3", 2), [expected]);
    }

    #[test]
    fn an_allowance_for_nothing_is_found() {
        let expected = "xtask/allowances.txt:1: places [A1] is not needed any more: run `cargo xtask tidy --lower`";
        assert_eq!(messages("places [A1] 3", 1), [expected]);
        assert_eq!(messages("places [B2] 3", 1).len(), 1);
    }

    #[test]
    fn numbers_are_lowered_and_never_raised() {
        let file = "# words\n\nplaces [A1] 3\nplaces [B2] 3\n";
        let checkout = Checkout::made_up(&[(PATH, file)]);
        let after = |number| lowered(&checkout, &[count(number)]);
        assert_eq!(after(2), "# words\n\nplaces [A1] 2\n");
        assert_eq!(after(5), "# words\n\nplaces [A1] 3\n");
        assert_eq!(after(1), "# words\n\n");
    }
}
