//! The order in which names of classes get their numbers.

use std::collections::BTreeSet;

/// Each name once: in the order of the numbers if all are numbers (2, 9, 10), otherwise of the letters.
pub(super) fn in_order(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect::<BTreeSet<_>>().into_iter().collect();
    if names.iter().all(|name| name.parse::<u64>().is_ok()) {
        names.sort_by_key(|name| name.parse::<u64>().unwrap_or(u64::MAX));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_order_of_numbers_and_words_in_that_of_letters() {
        let order = |names: &[&str]| in_order(names.iter().map(|name| (*name).to_owned()));
        assert_eq!(order(&["10", "9", "2", "9"]), ["2", "9", "10"]);
        assert_eq!(order(&["10", "9", "b", "a"]), ["10", "9", "a", "b"]);
    }
}
