//! The checkout keeps the tidy rules (`cargo xtask tidy` prints the same list).

use xtask::{tidy, workspace_root};

#[test]
fn the_checkout_is_tidy() {
    let checkout = tidy::Checkout::read(&workspace_root()).expect("git lists the checkout's files");
    let findings: Vec<String> = tidy::check(&checkout)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
