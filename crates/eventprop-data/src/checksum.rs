//! SHA-256 of what a reader gives.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

/// The SHA-256 of all bytes up to the end, in lower-case hexadecimal.
pub(crate) fn sha256_hex(mut input: impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match input.read(&mut block) {
            Ok(0) => break,
            Ok(bytes) => hasher.update(&block[..bytes]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let mut hex = String::with_capacity(64);
    for byte in hasher.finalize() {
        let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
        hex.extend(digits.into_iter().flatten());
    }
    Ok(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second example of FIPS 180-2, appendix B.
    #[test]
    fn known_answer() {
        assert_eq!(
            sha256_hex(&b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"[..]).unwrap(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
    }
}
