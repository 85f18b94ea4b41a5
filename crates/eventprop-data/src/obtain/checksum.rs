//! Checksums of what a reader gives.

use std::fmt;
use std::io::{self, Read};

use md5::Md5;
use sha2::{Digest, Sha256};

/// A checksum that a file should have, in lower-case hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// SHA-256.
    Sha256(&'static str),
    /// MD5, where a data set's authors published nothing better. It finds damage, not forgery.
    Md5(&'static str),
}

impl Checksum {
    /// The name of the algorithm.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Sha256(_) => "SHA-256",
            Self::Md5(_) => "MD5",
        }
    }

    /// The digits.
    pub fn digits(self) -> &'static str {
        match self {
            Self::Sha256(digits) | Self::Md5(digits) => digits,
        }
    }

    /// The checksum of all bytes up to the end, by the same algorithm, in lower-case hexadecimal.
    pub(crate) fn of(self, input: impl Read) -> io::Result<String> {
        match self {
            Self::Sha256(_) => hex_of::<Sha256>(input),
            Self::Md5(_) => hex_of::<Md5>(input),
        }
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm(), self.digits())
    }
}

/// The SHA-256 of all bytes up to the end, in lower-case hexadecimal.
pub(crate) fn sha256_hex(input: impl Read) -> io::Result<String> {
    hex_of::<Sha256>(input)
}

fn hex_of<D: Digest>(mut input: impl Read) -> io::Result<String> {
    let mut hasher = D::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match input.read(&mut block) {
            Ok(0) => break,
            Ok(bytes) => hasher.update(&block[..bytes]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(hex(&hasher.finalize()))
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
        hex.extend(digits.into_iter().flatten());
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second example of FIPS 180-2, appendix B, and the third of RFC 1321, appendix A.5.
    #[test]
    fn known_answers() {
        assert_eq!(
            sha256_hex(&b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"[..]).unwrap(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        );
        let md5 = Checksum::Md5("900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(md5.of(&b"abc"[..]).unwrap(), md5.digits());
        assert_eq!(md5.to_string(), "MD5 900150983cd24fb0d6963f7d28e17f72");
    }
}
