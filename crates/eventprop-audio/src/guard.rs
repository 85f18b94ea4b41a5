//! The one place where libraries that decode foreign bytes are called: damaged bytes make some of them panic.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Calls a decoder. A panic in it becomes an error like any other, and nothing is printed; what it borrows is lost.
///
/// # Errors
/// The message of a panic, of the kind [`io::ErrorKind::InvalidData`].
pub fn guarded<T>(decode: impl FnOnce() -> T) -> io::Result<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                print(panic);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let decoded = panic::catch_unwind(AssertUnwindSafe(decode));
    GUARDED.set(outer);
    decoded.map_err(|panic| {
        let message = format!(
            "its reader gave up ({}); the file is damaged: get it again",
            words(&*panic)
        );
        io::Error::new(io::ErrorKind::InvalidData, message)
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        assert_eq!(guarded(|| 3).unwrap(), 3);
        let zero = std::hint::black_box(0);
        let inner = || guarded(|| [1, 2].chunks(zero).count());
        for error in [inner().unwrap_err(), guarded(inner).unwrap().unwrap_err()] {
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(error.to_string().contains("chunk size"), "{error}");
        }
        assert!(!GUARDED.get());
    }
}
