//! Names that models bring with them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// A name of a state variable or a parameter of a model that is given as equations. Equal names are the same one.
///
/// A name is never forgotten: a process keeps one copy of each, of at most [`Name::LENGTH_MAX`] bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(&'static str);

impl Name {
    /// Most bytes of a name.
    pub const LENGTH_MAX: usize = 40;

    /// This name.
    pub(crate) fn new(text: &str) -> Self {
        static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = known.get(text) {
            return Self(name);
        }
        let name: &'static str = Box::leak(text.to_owned().into_boxed_str());
        known.insert(name);
        Self(name)
    }

    /// As text.
    pub fn text(self) -> &'static str {
        self.0
    }
}
