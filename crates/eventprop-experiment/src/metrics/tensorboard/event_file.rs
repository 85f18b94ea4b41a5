//! Event files as TensorBoard reads them: records of protobuf messages, each with two checksums.
//!
//! A record is the length of its data (u64, little-endian), the masked CRC-32C of these eight bytes,
//! the data, and the masked CRC-32C of the data. The data is an `Event` message; of protobuf only the
//! few fields are written that are needed here: `event.proto` (`wall_time` 1, `step` 2,
//! `file_version` 3, `summary` 5), `summary.proto` (`value` 1; of a value `tag` 1, `simple_value` 2,
//! `histo` 5; of a histogram `min` 1, `max` 2, `num` 3, `sum` 4, `sum_squares` 5, `bucket_limit` 6,
//! `bucket` 7) of TensorBoard.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use eventprop_params::histogram::Histogram;

/// One thing that is shown under a tag.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown<'a> {
    /// A number.
    Scalar(f64),
    /// A distribution.
    Histogram(&'a Histogram),
}

/// An event file that grows.
#[derive(Debug)]
pub struct EventFile {
    file: File,
}

impl EventFile {
    /// A new file that begins with its version; `unix_seconds` is now.
    ///
    /// # Errors
    /// When the file cannot be written or is already there.
    pub fn create(path: &Path, unix_seconds: f64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)?;
        let mut new = Self { file };
        let mut event = Vec::new();
        double(&mut event, 1, unix_seconds);
        bytes(&mut event, 3, b"brain.Event:2");
        new.append(&event)?;
        Ok(new)
    }

    /// Adds what is shown at a step.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn add(&mut self, when: At, shown: &[(String, Shown<'_>)]) -> io::Result<()> {
        let mut summary = Vec::new();
        for (tag, what) in shown {
            let mut value = Vec::new();
            bytes(&mut value, 1, tag.as_bytes());
            match what {
                Shown::Scalar(x) => float(&mut value, 2, *x as f32),
                Shown::Histogram(histogram) => bytes(&mut value, 5, &message(histogram)),
            }
            bytes(&mut summary, 1, &value);
        }
        let mut event = Vec::new();
        double(&mut event, 1, when.unix_seconds);
        integer(&mut event, 2, when.step);
        bytes(&mut event, 5, &summary);
        self.append(&event)
    }

    /// One record in one write, so that a reader never sees the middle of one for long.
    fn append(&mut self, event: &[u8]) -> io::Result<()> {
        let length = (event.len() as u64).to_le_bytes();
        let mut record = length.to_vec();
        record.extend(masked(&length));
        record.extend(event);
        record.extend(masked(event));
        self.file.write_all(&record)
    }
}

/// A place on the axes of TensorBoard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct At {
    /// The step, here the epoch.
    pub step: u64,
    /// Seconds since 1970.
    pub unix_seconds: f64,
}

/// `HistogramProto`. Mean and standard deviation give the sums; they are those of the values and not
/// of the bins.
fn message(histogram: &Histogram) -> Vec<u8> {
    let total = histogram.total() as f64;
    let mut message = Vec::new();
    double(&mut message, 1, histogram.min);
    double(&mut message, 2, histogram.max);
    double(&mut message, 3, total);
    double(&mut message, 4, total * histogram.mean);
    let square = histogram.sd.powi(2) + histogram.mean.powi(2);
    double(&mut message, 5, total * square);
    let bins = histogram.counts.len();
    let width = (histogram.max - histogram.min) / bins.max(1) as f64;
    let limits = (1..=bins).map(|bin| histogram.min + bin as f64 * width);
    let packed = |values: &mut dyn Iterator<Item = f64>| -> Vec<u8> {
        values.flat_map(f64::to_le_bytes).collect()
    };
    bytes(&mut message, 6, &packed(&mut limits.into_iter()));
    bytes(
        &mut message,
        7,
        &packed(&mut histogram.counts.iter().map(|&n| n as f64)),
    );
    message
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Wire types of protobuf.
const VARINT: u64 = 0;
const EIGHT_BYTES: u64 = 1;
const LENGTH: u64 = 2;
const FOUR_BYTES: u64 = 5;

fn integer(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3 | VARINT);
    varint(out, value);
}

fn double(out: &mut Vec<u8>, field: u64, value: f64) {
    varint(out, field << 3 | EIGHT_BYTES);
    out.extend(value.to_le_bytes());
}

fn float(out: &mut Vec<u8>, field: u64, value: f32) {
    varint(out, field << 3 | FOUR_BYTES);
    out.extend(value.to_le_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | LENGTH);
    varint(out, value.len() as u64);
    out.extend(value);
}

/// The checksum as it is stored: turned right by 15 bits, plus a constant.
fn masked(data: &[u8]) -> [u8; 4] {
    crc32c(data)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
        .to_le_bytes()
}

/// CRC-32C (Castagnoli), bit by bit from the lowest: a few kilobytes an epoch need no table.
fn crc32c(data: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let step = |crc: u32| (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !data.iter().fold(!0, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of RFC 3720, B.4.
    #[test]
    fn checksums_of_rfc_3720() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn numbers_of_protobuf() {
        let mut out = Vec::new();
        integer(&mut out, 1, 150);
        assert_eq!(out, [0x08, 0x96, 0x01]);
        out.clear();
        bytes(&mut out, 2, b"testing");
        assert_eq!(out, b"\x12\x07testing");
    }

    /// The first record of every event file, byte by byte.
    #[test]
    fn a_file_begins_with_its_version() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("events");
        EventFile::create(&path, 1.0).expect("created");
        let file = std::fs::read(&path).expect("a file");
        assert_eq!(file[..8], 24_u64.to_le_bytes());
        assert_eq!(file[12..21], [9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]);
        assert_eq!(&file[21..36], b"\x1a\x0dbrain.Event:2");
        assert_eq!(file.len(), 8 + 4 + 24 + 4);
        assert!(
            EventFile::create(&path, 1.0).is_err(),
            "it is not overwritten"
        );
    }
}
