//! A function fits a screen.

use super::{Checkout, Finding};

/// Lines from the word `fn` to the closing brace.
const LINES_MAX: usize = 70;

/// Functions outside tests that are longer than a screen.
pub(super) fn long_functions(checkout: &Checkout) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (file, source) in checkout.rust_files() {
        for function in source.functions() {
            let lines = function.last_line - function.first_line + 1;
            if lines > LINES_MAX && !file.is_test_line(function.first_line) {
                let message = format!("{}: {lines} lines; at most {LINES_MAX}", function.name);
                findings.push(Finding::new(file, function.first_line + 1, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function_of(lines: usize) -> String {
        format!("\nfn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
    }

    fn messages(path: &str, text: &str) -> Vec<String> {
        let findings = long_functions(&Checkout::made_up(&[(path, text)]));
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_long_function_is_found_with_its_name() {
        let expected = "src/a.rs:2: long: 71 lines; at most 70";
        assert_eq!(messages("src/a.rs", &function_of(71)), [expected]);
    }

    #[test]
    fn short_functions_and_tests_pass() {
        assert!(messages("src/a.rs", &function_of(70)).is_empty());
        assert!(messages("tests/a.rs", &function_of(71)).is_empty());
        let module = format!("#[cfg(test)]\nmod tests {{{}}}\n", function_of(71));
        assert!(messages("src/a.rs", &module).is_empty());
    }
}
