//! The first structure of an HDF5 file: where addresses are counted from, and how long the file is
//! (HDF5 File Format Specification, version 3.0, section II.A).

use std::io::{self, Read, Seek, SeekFrom};

use super::problem::Problem;
use crate::formats::source::Source;

const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
/// Enough for every version.
const BYTES: usize = 64;

/// The part that is needed of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Superblock {
    /// The byte that addresses are counted from.
    pub(crate) base: u64,
}

/// Finds the superblock, and compares the length of the file with it.
pub(crate) fn read(source: &Source) -> Result<Superblock, Problem> {
    if let Some(block) = find(source)? {
        return decode(&block[SIGNATURE.len()..], source.bytes);
    }
    let mut found = block(source, 0)?;
    found.truncate(SIGNATURE.len());
    Err(Problem::NotHdf5 { found })
}

/// The superblock of an HDF5 file; none in another file.
pub(super) fn find(source: &Source) -> io::Result<Option<Vec<u8>>> {
    let mut offset = 0;
    loop {
        let block = block(source, offset)?;
        if block.starts_with(&SIGNATURE) {
            return Ok(Some(block));
        }
        // It may stand behind a block of the user: at 512, 1024, 2048, …
        offset = if offset == 0 { 512 } else { 2 * offset };
        if offset >= source.bytes {
            return Ok(None);
        }
    }
}

fn block(source: &Source, offset: u64) -> io::Result<Vec<u8>> {
    let mut file = &source.file;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.take(BYTES as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `rest` comes after the signature.
fn decode(rest: &[u8], bytes: u64) -> Result<Superblock, Problem> {
    let damaged = |message: String| Problem::Damaged {
        what: "the superblock".to_owned(),
        message,
    };
    let cut_off = Problem::Truncated {
        found: bytes,
        expected: BYTES as u64,
    };
    // Offsets from the beginning: sizes of addresses and lengths, address of the base.
    let (sizes, base) = match rest.first() {
        Some(0) => (13, 24),
        Some(1) => (13, 28),
        Some(2 | 3) => (9, 12),
        Some(version) => return Err(damaged(format!("version {version}; known are 0 to 3"))),
        None => return Err(cut_off),
    };
    let number = |at: usize| {
        let bytes = rest.get(at - 8..at)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    let (Some(base), Some(end)) = (number(base), number(base + 16)) else {
        return Err(cut_off);
    };
    if end > bytes {
        return Err(Problem::Truncated {
            found: bytes,
            expected: end,
        });
    }
    if rest[sizes - 8..sizes - 6] != [8, 8] {
        let [addresses, lengths] = [rest[sizes - 8], rest[sizes - 7]];
        let message = format!("addresses of {addresses} and lengths of {lengths} bytes, not 8");
        return Err(damaged(message));
    }
    Ok(Superblock { base })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read_bytes(bytes: &[u8]) -> Result<Superblock, Problem> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        let bytes = bytes.len() as u64;
        read(&Source { file, bytes })
    }

    /// A superblock of a version, behind `before` bytes, in a file of 4096.
    fn file(version: u8, before: usize, end: u64) -> Vec<u8> {
        let (sizes, base) = [(13, 24), (13, 28), (9, 12), (9, 12)][usize::from(version)];
        let mut bytes = vec![0; 4096];
        let block = &mut bytes[before..];
        block[..8].copy_from_slice(&SIGNATURE);
        block[8] = version;
        block[sizes..sizes + 2].fill(8);
        block[base..base + 8].copy_from_slice(&(before as u64).to_le_bytes());
        block[base + 16..base + 24].copy_from_slice(&end.to_le_bytes());
        bytes
    }

    #[test]
    fn every_version_is_found_behind_every_user_block() {
        for version in 0..4 {
            for before in [0, 512, 1024, 2048] {
                let found = read_bytes(&file(version, before, 4096)).unwrap();
                assert_eq!(found.base, before as u64);
            }
            let error = read_bytes(&file(version, 0, 4097)).unwrap_err();
            assert!(matches!(
                error,
                Problem::Truncated {
                    found: 4096,
                    expected: 4097
                }
            ));
        }
    }

    #[test]
    fn what_is_no_superblock_is_described() {
        let message = read_bytes(b"hello").unwrap_err().to_string();
        assert!(
            message.contains("begins with the bytes [68, 65, 6c, 6c, 6f]"),
            "{message}"
        );
        let mut unknown = file(3, 0, 4096);
        unknown[8] = 4;
        let message = read_bytes(&unknown).unwrap_err().to_string();
        assert!(message.contains("version 4"), "{message}");
        let mut short = file(0, 0, 4096);
        short[13] = 4;
        let message = read_bytes(&short).unwrap_err().to_string();
        assert!(
            message.contains("addresses of 4 and lengths of 8 bytes"),
            "{message}"
        );
    }
}
