//! Links between the pages of the project lead somewhere.

use super::{Checkout, File, Finding};

/// Relative links in Markdown whose target is not a file or folder of the checkout.
pub(super) fn broken(checkout: &Checkout) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in checkout.files.iter().filter(|file| file.has_ending("md")) {
        for (line, target) in targets(&file.text) {
            let path = target.split('#').next().unwrap_or(target);
            let exists = resolve(file, path).is_some_and(|path| checkout.contains(&path));
            if !path.is_empty() && !is_external(path) && !exists {
                findings.push(Finding::new(file, line, format!("no such file: {target}")));
            }
        }
    }
    findings
}

/// The target of every link, with its line counted from 1. Code is not searched.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code {
            found.extend(inline_targets(line).map(|target| (index + 1, target)));
            found.extend(reference_target(line).map(|target| (index + 1, target)));
        }
    }
    found
}

/// The targets of `[text](target)` and `![text](target "title")` outside `` `code` ``.
fn inline_targets(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(|(start, _)| {
        let is_code = line[..start].matches('`').count() % 2 == 1;
        let (target, _) = line[start + 2..].split_once(')')?;
        let target = target.split_whitespace().next()?;
        (!is_code).then(|| target.trim_matches(['<', '>']))
    })
}

/// The target of a definition `[name]: target`.
fn reference_target(line: &str) -> Option<&str> {
    let (_, target) = line.strip_prefix('[')?.split_once("]: ")?;
    target.split_whitespace().next()
}

fn is_external(target: &str) -> bool {
    ["http://", "https://", "mailto:"]
        .iter()
        .any(|scheme| target.starts_with(scheme))
}

/// `target` as seen from `file`, as a path from the root; `None` if it leaves the checkout.
fn resolve(file: &File, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.path.split('/').collect();
    parts.pop();
    for part in target.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_in(text: &str) -> Vec<String> {
        let files = [("docs/a.md", text), ("docs/b.md", ""), ("README.md", "")];
        let findings = broken(&Checkout::made_up(&files));
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_broken_link_is_found() {
        assert_eq!(
            broken_in("\n[c](c.md#part)"),
            ["docs/a.md:2: no such file: c.md#part"]
        );
        assert_eq!(
            broken_in("[c]: ../c.md"),
            ["docs/a.md:1: no such file: ../c.md"]
        );
        assert_eq!(broken_in("![c](../../outside.md)").len(), 1);
        assert_eq!(broken_in("[c](/README.md)").len(), 1);
    }

    #[test]
    fn whole_links_other_sites_and_code_pass() {
        let text = "[b](b.md) and [r](../README.md#top) and [d](../docs/) and [here](#part)\n\
                    [w](https://example.org/x.md) and `[x](none.md)`\n```\n[y](none.md)\n```\n";
        assert_eq!(broken_in(text), Vec::<String>::new());
    }
}
