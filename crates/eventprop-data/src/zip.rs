//! The one file in a zip archive.
//!
//! Data sets are packed with one file to an archive; that is read, or one by its name (`.npz`), by way of the table at the
//! archive's end, with Deflate or stored, and its checksum is compared at its end (PKWARE, APPNOTE.TXT,
//! sections 4.3 and 4.5.3).

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

/// A zip archive begins so.
pub(crate) const MAGIC: [u8; 4] = *b"PK\x03\x04";
const END: [u8; 4] = *b"PK\x05\x06";
const END_BYTES: usize = 22;
const COMMENT_BYTES_MAX: usize = 0xFFFF;
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;
/// A 32-bit field that says that its value stands in the extra field 1.
const ELSEWHERE: u64 = 0xFFFF_FFFF;

fn damaged(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// Bytes with little-endian numbers.
struct Record(Vec<u8>);

impl Record {
    fn read(file: &mut File, start: u64, bytes: usize) -> io::Result<Self> {
        let mut record = vec![0; bytes];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(&mut record)?;
        Ok(Self(record))
    }

    fn short(&self, at: usize) -> usize {
        usize::from(u16::from_le_bytes([self.0[at], self.0[at + 1]]))
    }

    fn word(&self, at: usize) -> u64 {
        self.0[at..at + 4]
            .iter()
            .rfold(0, |n, b| n << 8 | u64::from(*b))
    }
}

/// A file in the archive.
struct Member {
    name: String,
    method: usize,
    flags: usize,
    crc: u32,
    packed: u64,
    unpacked: u64,
    local: u64,
}

/// What is in the archive's only file that is not hidden, and how long it is.
pub(crate) fn only_member(mut file: File, bytes: u64) -> io::Result<(impl Read, u64)> {
    let mut members = members(&mut file, bytes)?;
    members.retain(|m| !m.name.ends_with('/') && !m.name.starts_with("__MACOSX/"));
    let names: Vec<&str> = members.iter().map(|m| m.name.as_str()).collect();
    let [member] = members.as_slice() else {
        let names = names.join(", ");
        return Err(damaged(format!(
            "the archive has the files [{names}]; expected one"
        )));
    };
    unpack(file, member)
}

/// Names of the files in an archive.
pub(crate) fn names(file: &mut File, bytes: u64) -> io::Result<Vec<String>> {
    let members = members(file, bytes)?;
    Ok(members.into_iter().map(|member| member.name).collect())
}

/// What is in the file of this name, and how long it is.
pub(crate) fn named_member(
    mut file: File,
    bytes: u64,
    name: &str,
) -> io::Result<Option<(impl Read, u64)>> {
    let members = members(&mut file, bytes)?;
    let member = members.iter().find(|member| member.name == name);
    member.map(|member| unpack(file, member)).transpose()
}

fn unpack(mut file: File, member: &Member) -> io::Result<(Checked, u64)> {
    if member.flags & 1 != 0 {
        return Err(damaged(format!("{} is encrypted", member.name)));
    }
    let local = Record::read(&mut file, member.local, LOCAL_BYTES)?;
    if !local.0.starts_with(&MAGIC) {
        return Err(damaged("the archive's table leads to no file"));
    }
    let start = member.local + (LOCAL_BYTES + local.short(26) + local.short(28)) as u64;
    file.seek(SeekFrom::Start(start))?;
    let packed = BufReader::with_capacity(1 << 16, file).take(member.packed);
    let content: Box<dyn Read> = match member.method {
        0 => Box::new(packed),
        8 => Box::new(DeflateDecoder::new(packed)),
        method => {
            return Err(damaged(format!(
                "{} is packed with method {method}; known are 0 (stored) and 8 (Deflate)",
                member.name
            )));
        }
    };
    let checked = Checked {
        content,
        crc: Crc::new(),
        bytes: 0,
        expected: (member.crc, member.unpacked),
    };
    Ok((checked, member.unpacked))
}

fn members(file: &mut File, bytes: u64) -> io::Result<Vec<Member>> {
    let tail = bytes.min((END_BYTES + COMMENT_BYTES_MAX) as u64);
    let tail = Record::read(file, bytes - tail, tail as usize)?.0;
    let end = tail.windows(END_BYTES).rposition(|w| w.starts_with(&END));
    let end =
        end.ok_or_else(|| damaged("the archive is cut off: the table at its end is missing"))?;
    let end = Record(tail[end..end + END_BYTES].to_vec());
    let (entries, table_bytes, table) = (end.short(10), end.word(12), end.word(16));
    if table.saturating_add(table_bytes) > bytes {
        return Err(damaged(
            "the archive's table is not in it (zip64 tables are not read)",
        ));
    }
    let table = Record::read(file, table, table_bytes as usize)?;
    let mut members = Vec::new();
    let mut at = 0;
    for _ in 0..entries {
        let left = table.0.get(at..).unwrap_or_default();
        if left.len() < ENTRY_BYTES || !left.starts_with(&ENTRY) {
            return Err(damaged("the archive's table is damaged"));
        }
        let (name, extra) = (table.short(at + 28), table.short(at + 30));
        let next = ENTRY_BYTES + name + extra + table.short(at + 32);
        let variable = left.get(ENTRY_BYTES..next);
        let variable = variable.ok_or_else(|| damaged("the archive's table is damaged"))?;
        members.push(member(
            &table,
            at,
            &variable[..name],
            &variable[name..name + extra],
        ));
        at += next;
    }
    Ok(members)
}

fn member(table: &Record, at: usize, name: &[u8], extra: &[u8]) -> Member {
    let mut sizes = [24, 20, 42].map(|field| table.word(at + field));
    let mut long = zip64(extra).chunks_exact(8);
    for size in &mut sizes {
        if *size == ELSEWHERE
            && let Some(bytes) = long.next()
        {
            *size = bytes.iter().rfold(0, |n, b| n << 8 | u64::from(*b));
        }
    }
    let [unpacked, packed, local] = sizes;
    Member {
        name: String::from_utf8_lossy(name).into_owned(),
        method: table.short(at + 10),
        flags: table.short(at + 8),
        crc: table.word(at + 16) as u32,
        packed,
        unpacked,
        local,
    }
}

/// The content of the extra field 1.
fn zip64(mut extra: &[u8]) -> &[u8] {
    while let [a, b, c, d, rest @ ..] = extra {
        let bytes = usize::from(u16::from_le_bytes([*c, *d])).min(rest.len());
        if [*a, *b] == [1, 0] {
            return &rest[..bytes];
        }
        extra = &rest[bytes..];
    }
    &[]
}

/// Compares length and checksum at the end.
struct Checked {
    content: Box<dyn Read>,
    crc: Crc,
    bytes: u64,
    expected: (u32, u64),
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.crc.update(&buffer[..read]);
        self.bytes += read as u64;
        let found = (self.crc.sum(), self.bytes);
        if self.bytes > self.expected.1
            || (read == 0 && !buffer.is_empty() && found != self.expected)
        {
            return Err(damaged(format!(
                "the archive is damaged: {} bytes with the checksum {:08x} came out, expected {} with {:08x}",
                found.1, found.0, self.expected.1, self.expected.0
            )));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const CONTENT: &[u8] = b"spikes, spikes, spikes, spikes, spikes";

    /// An archive as the format describes it, with a comment at its end.
    fn archive(names: &[&str], method: u16) -> Vec<u8> {
        let mut packer =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(CONTENT).unwrap();
        let packed = if method == 8 {
            packer.finish().unwrap()
        } else {
            CONTENT.to_vec()
        };
        let mut crc = Crc::new();
        crc.update(CONTENT);
        let (mut bytes, mut table) = (Vec::new(), Vec::new());
        for name in names {
            let mut common = vec![20, 0, 0, 0];
            common.extend(method.to_le_bytes());
            common.extend([0; 4]);
            for size in [crc.sum(), packed.len() as u32, CONTENT.len() as u32] {
                common.extend(size.to_le_bytes());
            }
            common.extend((name.len() as u16).to_le_bytes());
            common.extend([0, 0]);
            table.extend(ENTRY.iter().chain(&[20, 0]).chain(&common));
            table.extend([0; 10]);
            table.extend((bytes.len() as u32).to_le_bytes());
            table.extend(name.as_bytes());
            bytes.extend(MAGIC.iter().chain(&common).copied());
            bytes.extend(name.as_bytes());
            bytes.extend(&packed);
        }
        let count = (names.len() as u16).to_le_bytes();
        let start = bytes.len() as u32;
        bytes.extend(&table);
        bytes.extend(END);
        bytes.extend([0; 4]);
        bytes.extend([count, count].concat());
        bytes.extend((table.len() as u32).to_le_bytes());
        bytes.extend(start.to_le_bytes());
        bytes.extend([3, 0, b'h', b'e', b'y']);
        bytes
    }

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        let mut content = Vec::new();
        only_member(file, bytes.len() as u64)?
            .0
            .read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn stored_and_deflated_files_come_out() {
        for method in [0, 8] {
            assert_eq!(unpacked(&archive(&["a.h5"], method)).unwrap(), CONTENT);
            let with_litter = archive(&["__MACOSX/a.h5", "folder/", "folder/a.h5"], method);
            assert_eq!(unpacked(&with_litter).unwrap(), CONTENT);
        }
    }

    #[test]
    fn what_is_not_one_file_is_named() {
        for (names, method, words) in [
            (&["a.h5", "b.h5"][..], 8, "[a.h5, b.h5]; expected one"),
            (&[], 8, "has the files []"),
            (&["a.h5"], 12, "method 12"),
        ] {
            let message = unpacked(&archive(names, method)).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    /// However it is cut off or changed, an archive gives its file or an error.
    #[test]
    fn damage_is_an_error() {
        let whole = archive(&["a.h5"], 8);
        for length in 0..whole.len() - 3 {
            assert!(unpacked(&whole[..length]).is_err(), "{length}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                if let Ok(content) = unpacked(&changed) {
                    assert_eq!(content, CONTENT, "byte {at}, bit {bit}");
                }
            }
        }
    }
}
