//! The idx files of MNIST: a magic number, the length of each dimension, then the bytes.
//!
//! All integers are 32-bit big-endian. Images carry the magic 0x00000803 and three dimensions
//! (images, rows, columns), labels 0x00000801 and one. Files may be packed with gzip; that is seen
//! from the content (LeCun, Cortes & Burges, "The MNIST database").

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::bound;
use crate::formats::source::{self, Content};

const IMAGES_MAGIC: u32 = 0x0000_0803;
const LABELS_MAGIC: u32 = 0x0000_0801;
/// 20 times MNIST; a header that asks for more is not believed, unless the bound is raised.
const BYTES_MAX: u64 = 1 << 30;

/// An idx file could not be read.
#[derive(Debug, Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct IdxError {
    /// The file.
    pub path: PathBuf,
    /// The problem.
    #[source]
    pub problem: IdxProblem,
}

/// Problem of an idx file.
#[derive(Debug, Error)]
pub enum IdxProblem {
    /// The system could not read it, or the gzip stream is damaged.
    #[error("cannot be read: {0}; if it is damaged, delete it and get it again")]
    Io(#[from] io::Error),
    /// Another kind of file.
    #[error(
        "begins with {found:02x?}, expected the idx magic {expected:#010x}: not the file its name says; get it again"
    )]
    Magic {
        /// The first bytes; fewer than four when the file is shorter.
        found: Vec<u8>,
        /// The magic number of what was asked for.
        expected: u32,
    },
    /// The header promises more than the file can hold or than is allowed.
    #[error(
        "dimensions {dimensions:?} need more than the {bytes_max} bytes that can be in the file: it is damaged; get it again"
    )]
    TooLarge {
        /// Length of each dimension.
        dimensions: Vec<u32>,
        /// The largest content that is possible.
        bytes_max: u64,
    },
    /// The file ends too early.
    #[error(
        "ends after {found} bytes of values, expected {expected}: it is incomplete; get it again"
    )]
    Truncated {
        /// Bytes that the header promises.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The file goes on after its last value.
    #[error(
        "goes on after the {expected} bytes that its header promises: it is damaged; get it again"
    )]
    Trailing {
        /// Bytes that the header promises.
        expected: u64,
    },
}

/// Grey-scale images of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    /// Number of images.
    pub len: usize,
    /// Rows of an image.
    pub rows: usize,
    /// Columns of an image.
    pub columns: usize,
    /// 0 (black) to 255 (white). [image, row, column], row-major.
    pub pixels: Vec<u8>,
}

/// Reads a file of images.
///
/// # Errors
/// [`IdxError`].
pub fn read_images(path: &Path) -> Result<Images, IdxError> {
    at(path, from_file(path).and_then(images))
}

/// Reads a file of labels: one byte each, in the order of the images.
///
/// # Errors
/// [`IdxError`].
pub fn read_labels(path: &Path) -> Result<Vec<u8>, IdxError> {
    at(path, from_file(path).and_then(labels))
}

/// Reads images from the bytes of a file; `path` is the name for errors.
///
/// # Errors
/// [`IdxError`].
pub fn parse_images(path: &Path, bytes: &[u8]) -> Result<Images, IdxError> {
    at(path, from_bytes(bytes).and_then(images))
}

/// Reads labels from the bytes of a file; `path` is the name for errors.
///
/// # Errors
/// [`IdxError`].
pub fn parse_labels(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, IdxError> {
    at(path, from_bytes(bytes).and_then(labels))
}

fn at<T>(path: &Path, result: Result<T, IdxProblem>) -> Result<T, IdxError> {
    result.map_err(|problem| IdxError {
        path: path.to_owned(),
        problem,
    })
}

fn from_file(path: &Path) -> Result<Content<'static>, IdxProblem> {
    Ok(source::content(path)?)
}

fn from_bytes(bytes: &[u8]) -> Result<Content<'_>, IdxProblem> {
    Ok(source::unpack(bytes, bytes.len() as u64)?)
}

fn images(content: Content<'_>) -> Result<Images, IdxProblem> {
    let ([len, rows, columns], pixels) = read(content, IMAGES_MAGIC)?;
    Ok(Images {
        len: len as usize,
        rows: rows as usize,
        columns: columns as usize,
        pixels,
    })
}

fn labels(content: Content<'_>) -> Result<Vec<u8>, IdxProblem> {
    let ([_], labels) = read(content, LABELS_MAGIC)?;
    Ok(labels)
}

fn read<const D: usize>(
    mut content: Content<'_>,
    magic: u32,
) -> Result<([u32; D], Vec<u8>), IdxProblem> {
    let found = read_up_to(&mut content.reader, 4)?;
    if found != magic.to_be_bytes() {
        return Err(IdxProblem::Magic {
            found,
            expected: magic,
        });
    }
    let mut dimensions = [0; D];
    for dimension in &mut dimensions {
        *dimension = read_length(&mut content.reader)?;
    }
    let bytes_max = content.bytes_max.min(bound::raised(BYTES_MAX));
    let expected = dimensions
        .iter()
        .try_fold(1, |n: u64, len| n.checked_mul(u64::from(*len)))
        .filter(|expected| *expected <= bytes_max)
        .ok_or_else(|| IdxProblem::TooLarge {
            dimensions: dimensions.to_vec(),
            bytes_max,
        })?;
    let mut values = read_up_to(&mut content.reader, expected + 1)?;
    match (values.len() as u64).cmp(&expected) {
        std::cmp::Ordering::Less => Err(IdxProblem::Truncated {
            expected,
            found: values.len() as u64,
        }),
        std::cmp::Ordering::Greater => Err(IdxProblem::Trailing { expected }),
        std::cmp::Ordering::Equal => {
            values.shrink_to_fit();
            Ok((dimensions, values))
        }
    }
}

fn read_length(input: &mut impl Read) -> Result<u32, IdxProblem> {
    let bytes = read_up_to(input, 4)?;
    match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(bytes) => Ok(u32::from_be_bytes(bytes)),
        Err(_) => Err(IdxProblem::Truncated {
            expected: 4,
            found: bytes.len() as u64,
        }),
    }
}

/// At most `bytes` bytes; the memory grows with what arrives, not with what was promised.
fn read_up_to(input: &mut impl Read, bytes: u64) -> io::Result<Vec<u8>> {
    let mut buffer = Vec::new();
    input.take(bytes).read_to_end(&mut buffer)?;
    Ok(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;
    use std::io::Write;

    fn images_file(dimensions: [u32; 3], pixels: &[u8]) -> Vec<u8> {
        let mut bytes = IMAGES_MAGIC.to_be_bytes().to_vec();
        bytes.extend(dimensions.iter().flat_map(|len| len.to_be_bytes()));
        bytes.extend(pixels);
        bytes
    }

    fn labels_file(labels: &[u8]) -> Vec<u8> {
        let mut bytes = LABELS_MAGIC.to_be_bytes().to_vec();
        bytes.extend((labels.len() as u32).to_be_bytes());
        bytes.extend(labels);
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn parse(bytes: &[u8]) -> Result<Images, IdxError> {
        parse_images(Path::new("train-images"), bytes)
    }

    #[test]
    fn plain_and_packed_files_give_the_same() {
        let plain = images_file([2, 1, 3], &[1, 2, 3, 4, 5, 6]);
        let images = parse(&plain).unwrap();
        assert_eq!((images.len, images.rows, images.columns), (2, 1, 3));
        assert_eq!(images.pixels, [1, 2, 3, 4, 5, 6]);
        assert_eq!(parse(&gzip(&plain)).unwrap(), images);
        let labels = parse_labels(Path::new("labels"), &gzip(&labels_file(&[7, 0, 9]))).unwrap();
        assert_eq!(labels, [7, 0, 9]);
    }

    #[test]
    fn a_file_on_the_disk_is_read_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packed-without-gz");
        std::fs::write(&path, gzip(&labels_file(&[1, 2]))).unwrap();
        assert_eq!(read_labels(&path).unwrap(), [1, 2]);
        assert!(read_images(&path).is_err());
        assert!(read_images(folder.path()).is_err());
    }

    #[test]
    fn errors_say_what_was_found() {
        let huge = images_file([u32::MAX; 3], &[0; 10]);
        let large = images_file([1000, 1000, 10], &[0; 10]);
        for (bytes, words) in [
            (b"<!DOCTYPE html>".to_vec(), "[3c, 21, 44, 4f]"),
            (labels_file(&[1]), "0x00000803"),
            (
                images_file([2, 2, 2], &[0; 7]),
                "7 bytes of values, expected 8",
            ),
            (
                gzip(&images_file([2, 2, 2], &[0; 7])),
                "7 bytes of values, expected 8",
            ),
            (images_file([2, 2, 2], &[0; 9]), "goes on after the 8 bytes"),
            (huge.clone(), "[4294967295, 4294967295, 4294967295]"),
            (gzip(&huge), "bytes that can be in the file"),
            (large.clone(), "bytes that can be in the file"),
            (gzip(&large), "bytes that can be in the file"),
            (b"\x1f\x8b\x08\x00not gzip".to_vec(), "damaged"),
            (Vec::new(), "begins with []"),
        ] {
            let message = parse(&bytes).unwrap_err().to_string();
            assert!(message.contains(words), "{message:?} lacks {words:?}");
            assert!(message.contains("train-images"));
        }
    }

    #[test]
    fn every_truncation_is_an_error() {
        let plain = images_file([2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]);
        for whole in [plain.clone(), gzip(&plain)] {
            for len in 0..whole.len() {
                assert!(parse(&whole[..len]).is_err(), "{len} bytes");
            }
            assert!(parse(&[whole.as_slice(), &[0]].concat()).is_err());
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
            let _ = parse(&gzip(&bytes));
            let _ = parse(&[IMAGES_MAGIC.to_be_bytes().as_slice(), &bytes].concat());
            let _ = parse(&[b"\x1f\x8b\x08", bytes.as_slice()].concat());
            let _ = parse_labels(Path::new("l"), &[LABELS_MAGIC.to_be_bytes().as_slice(), &bytes].concat());
        }
    }
}
