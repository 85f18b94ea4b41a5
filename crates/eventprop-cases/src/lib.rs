//! Test cases.
