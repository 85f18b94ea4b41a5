//! Lists of variable length, which HDF5 keeps in global heaps: collections of numbered objects
//! (HDF5 File Format Specification, version 3.0, section III.E).

use std::fs::File;
use std::io;

use thiserror::Error;

/// The address of what is not there.
const NOWHERE: u64 = u64::MAX;
const SIGNATURE: [u8; 4] = *b"GCOL";
/// Bytes before the objects of a collection, and before the content of an object.
const HEADER_BYTES: u64 = 16;
/// A collection up to this length is read in one go.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// A list that cannot be read.
#[derive(Debug, Error)]
pub enum ListProblem {
    /// The reference leads to something else than a collection.
    #[error("its reference leads to byte {address}, where no heap collection is")]
    NoCollection {
        /// The address in the file.
        address: u64,
    },
    /// A collection or an object goes beyond the end.
    #[error("{bytes} bytes at byte {address} go beyond the end of {within}")]
    Beyond {
        /// Its first byte.
        address: u64,
        /// Its length.
        bytes: u64,
        /// Of what.
        within: &'static str,
    },
    /// The collection has no such object.
    #[error("the heap collection at byte {address} has no object {object}")]
    NoObject {
        /// First byte of the collection.
        address: u64,
        /// Number of the object.
        object: u32,
    },
    /// The object is shorter than the list.
    #[error("its {elements} elements need {expected} bytes, the heap has {found}")]
    Short {
        /// Elements that the list should have.
        elements: u32,
        /// Bytes that they need.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
    /// The file system refused.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
}

/// Place of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) len: u32,
    address: u64,
    object: u32,
}

impl Reference {
    pub(super) fn decode(bytes: [u8; 16]) -> Self {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("4 bytes"));
        Self {
            len: word(0),
            address: u64::from(word(4)) | (u64::from(word(8)) << 32),
            object: word(12),
        }
    }
}

/// A file whose heaps are read. Addresses in it are counted from `base`.
#[derive(Debug)]
pub(super) struct HeapFile {
    pub(super) file: File,
    pub(super) bytes: u64,
    pub(super) base: u64,
}

/// An object of a collection: its number, and where its content is in the file.
#[derive(Debug, Clone, Copy)]
struct Object {
    number: u16,
    start: u64,
    bytes: u64,
}

/// The collection read last, which is likely the one of the next list.
#[derive(Debug, Default)]
pub(super) struct Collection {
    /// First byte in the file; 0 when there is none, because there the file itself begins.
    start: u64,
    end: u64,
    /// Its bytes, if it is short.
    content: Vec<u8>,
    objects: Vec<Object>,
}

impl HeapFile {
    /// The bytes of a list whose elements have `width` bytes.
    pub(super) fn list(
        &self,
        reference: Reference,
        width: u64,
        last: &mut Collection,
        bytes: &mut Vec<u8>,
    ) -> Result<(), ListProblem> {
        bytes.clear();
        if reference.len == 0 {
            return Ok(());
        }
        let address = reference.address;
        let start = address.wrapping_add(self.base);
        if address == 0 || address == NOWHERE || start > self.bytes {
            return Err(ListProblem::NoCollection { address });
        }
        if last.start != start {
            last.start = 0;
            self.open(start, last)?;
            last.start = start;
        }
        let number = reference.object;
        let found = last.objects.iter().find(|o| u32::from(o.number) == number);
        let object = *found.ok_or(ListProblem::NoObject {
            address: start,
            object: number,
        })?;
        let expected = u64::from(reference.len) * width;
        if object.bytes < expected {
            return Err(ListProblem::Short {
                elements: reference.len,
                expected,
                found: object.bytes,
            });
        }
        bytes.resize(expected as usize, 0);
        self.read(object.start, bytes, last)
    }

    /// Reads the table of a collection.
    fn open(&self, start: u64, collection: &mut Collection) -> Result<(), ListProblem> {
        let mut header = [0; HEADER_BYTES as usize];
        self.read_file(start, &mut header)?;
        if !header.starts_with(&SIGNATURE) {
            return Err(ListProblem::NoCollection { address: start });
        }
        let bytes = length(&header);
        let end = start.checked_add(bytes).filter(|end| *end <= self.bytes);
        collection.end = end.ok_or(ListProblem::Beyond {
            address: start,
            bytes,
            within: "the file",
        })?;
        collection.content.clear();
        if bytes <= WHOLE_BYTES_MAX {
            collection.content.resize(bytes as usize, 0);
            self.read_file(start, &mut collection.content)?;
        }
        collection.start = start;
        self.objects(collection)
    }

    /// Lists the objects of the collection, which end with the free space, object 0.
    fn objects(&self, collection: &mut Collection) -> Result<(), ListProblem> {
        let mut objects = std::mem::take(&mut collection.objects);
        objects.clear();
        let mut at = collection.start + HEADER_BYTES;
        while at + HEADER_BYTES <= collection.end {
            let mut header = [0; HEADER_BYTES as usize];
            self.read(at, &mut header, collection)?;
            let number = u16::from_le_bytes([header[0], header[1]]);
            if number == 0 {
                break;
            }
            let (start, bytes) = (at + HEADER_BYTES, length(&header));
            let beyond = ListProblem::Beyond {
                address: start,
                bytes,
                within: "its heap collection",
            };
            if bytes > collection.end - start {
                return Err(beyond);
            }
            objects.push(Object {
                number,
                start,
                bytes,
            });
            at = start + bytes.next_multiple_of(8);
        }
        collection.objects = objects;
        Ok(())
    }

    /// Bytes that are in the collection, of which those read already are copied.
    fn read(
        &self,
        start: u64,
        bytes: &mut [u8],
        collection: &Collection,
    ) -> Result<(), ListProblem> {
        if collection.content.is_empty() {
            return self.read_file(start, bytes);
        }
        let offset = (start - collection.start) as usize;
        bytes.copy_from_slice(&collection.content[offset..offset + bytes.len()]);
        Ok(())
    }

    fn read_file(&self, start: u64, bytes: &mut [u8]) -> Result<(), ListProblem> {
        let length = bytes.len() as u64;
        if start.checked_add(length).is_none_or(|end| end > self.bytes) {
            return Err(ListProblem::Beyond {
                address: start,
                bytes: length,
                within: "the file",
            });
        }
        Ok(read_exact_at(&self.file, start, bytes)?)
    }
}

/// The length in the header of a collection or an object.
fn length(header: &[u8; HEADER_BYTES as usize]) -> u64 {
    u64::from_le_bytes(header[8..].try_into().expect("8 bytes"))
}

#[cfg(unix)]
fn read_exact_at(file: &File, start: u64, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, start)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut start: u64, mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, start)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                start += read as u64;
                bytes = &mut bytes[read..];
            }
        }
    }
    Ok(())
}
