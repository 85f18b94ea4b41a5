//! Files in a zip archive, as readers that own the archive.
//!
//! Data sets are packed with one file to an archive; that is read, or one by its name (`.npz`). The crate
//! `zip` finds it; Deflated or stored content is read here, because a reader of that crate borrows the
//! archive, and its length and checksum are compared at its end.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use eventprop_audio::guard::guarded;
use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

/// A zip archive begins so.
pub(crate) const MAGIC: [u8; 4] = *b"PK\x03\x04";

fn damaged(message: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message.into())
}

/// Content of the archive's only file that is not hidden, and its length.
pub(crate) fn only_member(file: File) -> io::Result<(impl Read, u64)> {
    guarded(|| {
        let archive = ZipArchive::new(file)?;
        let names = names_in(&archive);
        let shown = |name: &String| !name.ends_with('/') && !name.starts_with("__MACOSX/");
        let shown: Vec<usize> = (0..names.len()).filter(|&i| shown(&names[i])).collect();
        let [member] = shown[..] else {
            let names: Vec<&str> = shown.iter().map(|&i| names[i].as_str()).collect();
            return Err(damaged(format!(
                "the archive has the files [{}]; expected one",
                names.join(", ")
            )));
        };
        unpack(archive, member)
    })
    .flatten()
}

/// Names of the files in an archive.
pub(crate) fn names(file: File) -> io::Result<Vec<String>> {
    guarded(|| Ok(names_in(&ZipArchive::new(file)?))).flatten()
}

fn names_in(archive: &ZipArchive<File>) -> Vec<String> {
    let names = archive.file_names_raw();
    names
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

/// Content of the file of this name, and its length.
pub(crate) fn named_member(file: File, name: &str) -> io::Result<Option<(impl Read, u64)>> {
    guarded(|| {
        let archive = ZipArchive::new(file)?;
        let member = archive.index_for_name(name);
        member.map(|member| unpack(archive, member)).transpose()
    })
    .flatten()
}

fn unpack(mut archive: ZipArchive<File>, index: usize) -> io::Result<(Checked, u64)> {
    let member = archive.by_index_raw(index)?;
    let name = String::from_utf8_lossy(member.name_raw()).into_owned();
    if member.encrypted() {
        return Err(damaged(format!("{name} is encrypted")));
    }
    let (method, packed, unpacked) = (
        member.compression(),
        member.compressed_size(),
        member.size(),
    );
    let (crc, start) = (member.crc32(), member.data_start());
    drop(member);
    let start = start.ok_or_else(|| damaged("the archive's table leads to no file"))?;
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(start))?;
    let packed = BufReader::with_capacity(1 << 16, file).take(packed);
    let content: Box<dyn Read> = match method {
        CompressionMethod::Stored => Box::new(packed),
        CompressionMethod::Deflated => Box::new(DeflateDecoder::new(packed)),
        method => {
            return Err(damaged(format!(
                "{name} is packed with {method}; known are Stored and Deflated"
            )));
        }
    };
    let checked = Checked {
        content,
        crc: Crc::new(),
        bytes: 0,
        expected: (crc, unpacked),
    };
    Ok((checked, unpacked))
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
    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    const CONTENT: &[u8] = b"spikes, spikes, spikes, spikes, spikes";

    /// An archive with a comment at its end.
    fn archive(names: &[&str], method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for name in names {
            writer.start_file(*name, options).unwrap();
            writer.write_all(CONTENT).unwrap();
        }
        writer.set_comment("hey").unwrap();
        writer.finish().unwrap().into_inner()
    }

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut file = tempfile::tempfile()?;
        file.write_all(bytes)?;
        let mut content = Vec::new();
        only_member(file)?.0.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn stored_and_deflated_files_come_out() {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            assert_eq!(unpacked(&archive(&["a.h5"], method)).unwrap(), CONTENT);
            let with_litter = archive(&["__MACOSX/a.h5", "folder/", "folder/a.h5"], method);
            assert_eq!(unpacked(&with_litter).unwrap(), CONTENT);
        }
    }

    #[test]
    fn what_is_not_one_file_is_named() {
        for (names, words) in [
            (&["a.h5", "b.h5"][..], "[a.h5, b.h5]; expected one"),
            (&[], "has the files []"),
        ] {
            let archive = archive(names, CompressionMethod::Deflated);
            let message = unpacked(&archive).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    /// Bits 8 to 10 of the table's method make another one of it.
    #[test]
    fn another_way_of_packing_is_named() {
        let mut archive = archive(&["a.h5"], CompressionMethod::Stored);
        let table = archive.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        archive[table + 10] = 12;
        let message = unpacked(&archive).unwrap_err().to_string();
        assert!(
            message.contains("known are Stored and Deflated"),
            "{message}"
        );
    }

    /// However it is cut off or changed, an archive gives its file or an error.
    #[test]
    fn damage_is_an_error() {
        let whole = archive(&["a.h5"], CompressionMethod::Deflated);
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
