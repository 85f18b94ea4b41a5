//! Opening a file to be read: a regular file and its length, so that a reader can compare what a
//! header promises with what there is before it allocates; and its content without gzip or zip.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use tempfile::TempPath;

use crate::atomic;
use crate::bound::{self, VARIABLE};
use crate::formats::zip;

/// A gzip file begins so.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Deflate cannot pack more bytes than this into one.
const DEFLATE_RATIO_MAX: u64 = 1032;

/// A packed file is believed to become so many times longer; real recordings and arrays become 2 to 30 times.
const UNPACKED_RATIO_MAX: u64 = 64;
/// Every file may unpack to so many bytes.
const UNPACKED_BYTES_MIN: u64 = 1 << 28;

/// Bytes that a packed file may unpack to.
pub(crate) fn unpacked_max(packed_bytes: u64) -> u64 {
    let by_length = packed_bytes.saturating_mul(UNPACKED_RATIO_MAX);
    bound::raised(by_length.max(UNPACKED_BYTES_MIN))
}

/// The error for a file that unpacks to more.
pub(crate) fn too_large(what: &str, packed_bytes: u64, way_out: &str) -> io::Error {
    let bytes_max = unpacked_max(packed_bytes);
    let message = format!(
        "{what}, and at most {bytes_max} are taken from a packed file of {packed_bytes}; if it is no forged one, {way_out}, or raise {VARIABLE}"
    );
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// An open regular file.
pub(crate) struct Source {
    pub(crate) file: File,
    /// Length in bytes when it was opened.
    pub(crate) bytes: u64,
}

impl Source {
    /// True for gzip and zip.
    pub(crate) fn is_packed(&self) -> io::Result<bool> {
        Ok(self.begins_with(&GZIP_MAGIC)? || self.begins_with(&zip::MAGIC)?)
    }

    /// True for zip.
    pub(crate) fn is_zip(&self) -> io::Result<bool> {
        self.begins_with(&zip::MAGIC)
    }

    /// All its bytes.
    pub(crate) fn content(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // The error of the system says what it lacks.
        bytes.try_reserve_exact(self.bytes as usize)?;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        file.take(self.bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn begins_with(&self, magic: &[u8]) -> io::Result<bool> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        let mut found = Vec::new();
        file.take(magic.len() as u64).read_to_end(&mut found)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(found == magic)
    }
}

/// Opens a regular file. A pipe or a device is refused, because reading one may never end.
pub(crate) fn open(path: &Path) -> io::Result<Source> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a regular file",
        ));
    }
    let file = File::open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Source { file, bytes })
}

/// The bytes that a file has when it is opened; one that grows meanwhile gives no more.
pub(crate) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    open(path)?.content()
}

/// The text of a file, with the line ends of any system as `\n`.
pub(crate) fn text(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(bytes(path)?);
    let text = text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Content of a file after unpacking, also of one that is not packed.
pub(crate) struct Content<'a> {
    pub(crate) reader: Box<dyn Read + 'a>,
    /// No more bytes than this can come out.
    pub(crate) bytes_max: u64,
}

/// The content of a file; gzip and zip are recognised by the first bytes, not by the name.
pub(crate) fn content(path: &Path) -> io::Result<Content<'static>> {
    let source = open(path)?;
    if source.begins_with(&zip::MAGIC)? {
        let (reader, bytes) = zip::only_member(source.file)?;
        return Ok(Content {
            reader: Box::new(reader),
            bytes_max: bytes.min(source.bytes.saturating_mul(DEFLATE_RATIO_MAX)),
        });
    }
    unpack(BufReader::with_capacity(1 << 16, source.file), source.bytes)
}

/// A file that can be read at any place. A packed one is unpacked into a new file in the folder
/// `scratch`, which is removed with the path that is returned.
pub(crate) fn unpacked_file(path: &Path, scratch: &Path) -> io::Result<(Option<TempPath>, Source)> {
    let source = open(path)?;
    if !source.begins_with(&GZIP_MAGIC)? && !source.begins_with(&zip::MAGIC)? {
        return Ok((None, source));
    }
    let mut copy = tempfile::Builder::new()
        .prefix("eventprop-unpacked-")
        .tempfile_in(scratch)?;
    // It unpacks to no less than its length, but for a few bytes.
    atomic::check_room(copy.as_file(), source.bytes)?;
    let bytes_max = unpacked_max(source.bytes);
    let mut unpacked = content(path)?.reader.take(bytes_max + 1);
    if io::copy(&mut unpacked, &mut copy)? > bytes_max {
        return Err(too_large(
            "it unpacks to more bytes than are believed",
            source.bytes,
            "unpack it, and name the unpacked file",
        ));
    }
    let (file, copy) = copy.into_parts();
    let bytes = file.metadata()?.len();
    Ok((Some(copy), Source { file, bytes }))
}

/// The content of `bytes` bytes.
pub(crate) fn unpack<'a>(mut input: impl BufRead + 'a, bytes: u64) -> io::Result<Content<'a>> {
    if input.fill_buf()?.starts_with(&GZIP_MAGIC) {
        return Ok(Content {
            reader: Box::new(MultiGzDecoder::new(input)),
            bytes_max: bytes.saturating_mul(DEFLATE_RATIO_MAX),
        });
    }
    Ok(Content {
        reader: Box::new(input),
        bytes_max: bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_and_a_missing_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |path: &Path| open(path).map(|_| ()).unwrap_err().kind();
        assert_eq!(kind(folder.path()), io::ErrorKind::InvalidInput);
        assert_eq!(kind(&folder.path().join("absent")), io::ErrorKind::NotFound);
    }

    /// Zeros pack a thousand times.
    #[test]
    fn a_file_that_unpacks_to_far_more_than_its_length_is_refused() {
        use flate2::{Compression, write::GzEncoder};
        use std::io::Write;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("zeros.h5.gz");
        let mut packed = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        let block = vec![0; 1 << 20];
        for _ in 0..=UNPACKED_BYTES_MIN >> 20 {
            packed.write_all(&block).unwrap();
        }
        packed.finish().unwrap();
        let error = unpacked_file(&path, folder.path()).map(|_| ()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("at most 268435456 are taken"), "{text}");
        assert!(text.contains("name the unpacked file"), "{text}");
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "the copy is removed");
    }
}
