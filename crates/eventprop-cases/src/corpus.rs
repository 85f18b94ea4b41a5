//! The list of the case files.

use crate::case::Case;
use crate::file::{CaseError, parse};

macro_rules! cases {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../cases/", $name, ".toml")))),*]
    };
}

/// Name and text of every file in `cases/`.
const FILES: &[(&str, &str)] = cases![
    "golden_sum",
    "golden_sum_weigh_exp",
    "golden_avg_xentropy",
    "golden_first_spike",
];

/// Every case of the corpus.
///
/// # Errors
/// The first file that is not a case.
pub fn all() -> Result<Vec<Case>, CaseError> {
    FILES.iter().map(|(name, text)| parse(name, text)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::FILES;

    #[test]
    fn every_file_of_the_folder_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/cases");
        let in_folder: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let listed = FILES
            .iter()
            .map(|(name, _)| format!("{name}.toml"))
            .collect();
        assert_eq!(in_folder, listed);
    }
}
