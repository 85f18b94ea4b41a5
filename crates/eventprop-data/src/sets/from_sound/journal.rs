//! Record of the finished part of a conversion, so that a stopped one goes on where it was.
//!
//! A file beside the output takes the spikes of every sound as soon as they are there. A record is whole or it does
//! not count: its checksum tells. The text of the settings stands at the beginning, so that spikes of different
//! settings never meet.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use eventprop_audio::Spike;
use eventprop_audio::encoder::Encoding;
use sha2::{Digest, Sha256};
use thiserror::Error;

const MAGIC: &str = "eventprop audio journal 1\n";
/// Bytes of a record around its content: length before, checksum behind.
const LENGTH_BYTES: usize = 4;
const CHECK_BYTES: usize = 8;
/// No record is longer: a spike takes 6 bytes, and 2³² of them do not fit into memory either.
const RECORD_BYTES_MAX: u32 = 1 << 30;

/// The file of a conversion that is under way. It is locked while it is open.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Place of the next record.
    end: u64,
    /// First byte of the record of each name, and the length of its content.
    records: HashMap<String, (u64, u32)>,
}

/// A sound that is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Its name within the folder.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// Its length in s.
    pub seconds: f64,
    /// Its spikes.
    pub encoding: Encoding,
}

/// A journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("{path}: {source}; check that the folder exists, is writable and has free space", path = path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// Another program holds it.
    #[error("{path} is in use: another conversion writes to the same output", path = path.display())]
    InUse {
        /// The journal.
        path: PathBuf,
    },
    /// It belongs to something else.
    #[error(
        "{path} was begun differently ({difference}); give the settings of that conversion to go on with it, \
         or delete the file to begin anew",
        path = path.display()
    )]
    Settings {
        /// The journal.
        path: PathBuf,
        /// The setting that differs.
        difference: String,
    },
}

impl Journal {
    /// Opens the journal at `path`, or begins it. `settings` is the text that must be the same.
    ///
    /// # Errors
    /// [`JournalError`]
    pub fn open(path: &Path, settings: &str) -> Result<Self, JournalError> {
        let io = |source| JournalError::Io {
            path: path.to_owned(),
            source,
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(io)?;
        // Some network file systems know no locks; there the user has to see to it.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(JournalError::InUse {
                path: path.to_owned(),
            });
        }
        let mut journal = Self {
            path: path.to_owned(),
            file,
            end: 0,
            records: HashMap::new(),
        };
        let text = settings.as_bytes();
        let mut header = MAGIC.as_bytes().to_vec();
        header.extend((text.len() as u32).to_le_bytes());
        header.extend(text);
        let length = journal.file.metadata().map_err(io)?.len();
        if length == 0 {
            journal.file.write_all(&header).map_err(io)?;
            journal.end = header.len() as u64;
        } else {
            journal.check(settings)?;
            journal.scan(length).map_err(io)?;
        }
        Ok(journal)
    }

    /// Compares the settings in the file with those given.
    fn check(&mut self, settings: &str) -> Result<(), JournalError> {
        let differs = |path: &Path, difference: String| JournalError::Settings {
            path: path.to_owned(),
            difference,
        };
        let found = self
            .header()
            .map_err(|_| differs(&self.path, "it is not a journal of this version".to_owned()))?;
        if found != settings {
            let mut pairs = found.lines().zip(settings.lines());
            let pair = pairs.find(|(then, now)| then != now);
            let text = pair.map_or("other settings".to_owned(), |(then, now)| {
                format!("{then}, now {now}")
            });
            return Err(differs(&self.path, text));
        }
        Ok(())
    }

    fn header(&mut self) -> io::Result<String> {
        let mut start = vec![0; MAGIC.len() + 4];
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_exact(&mut start)?;
        let (magic, length) = start.split_at(MAGIC.len());
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
        if magic != MAGIC.as_bytes() || length > 1 << 16 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut text = vec![0; length as usize];
        self.file.read_exact(&mut text)?;
        self.end = start.len() as u64 + u64::from(length);
        String::from_utf8(text).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    /// Finds the whole records; what comes behind the last of them was cut off and is written over.
    fn scan(&mut self, length: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut reader = BufReader::with_capacity(1 << 16, &self.file);
        let around = (LENGTH_BYTES + CHECK_BYTES) as u64;
        let mut end = self.end;
        while end + around <= length {
            let mut bytes = [0; LENGTH_BYTES];
            reader.read_exact(&mut bytes)?;
            let size = u32::from_le_bytes(bytes);
            if size > RECORD_BYTES_MAX || end + around + u64::from(size) > length {
                break;
            }
            let mut content = vec![0; size as usize];
            reader.read_exact(&mut content)?;
            let mut check = [0; CHECK_BYTES];
            reader.read_exact(&mut check)?;
            let Some(done) = decode(&content).filter(|_| check == checksum(&content)) else {
                break;
            };
            self.records
                .insert(done.name, (end + LENGTH_BYTES as u64, size));
            end += around + u64::from(size);
        }
        self.end = end;
        Ok(())
    }

    /// Sounds that are done.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// True before the first record.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The spikes of a sound, if it is done.
    ///
    /// # Errors
    /// [`JournalError::Io`]
    pub fn get(&self, name: &str) -> Result<Option<Done>, JournalError> {
        let Some((start, size)) = self.records.get(name).copied() else {
            return Ok(None);
        };
        let read = || {
            let mut content = vec![0; size as usize];
            let mut file = &self.file;
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut content)?;
            decode(&content).ok_or_else(|| io::ErrorKind::InvalidData.into())
        };
        read().map(Some).map_err(|source| self.io(source))
    }

    /// Adds a sound; a former record of its name counts no more.
    ///
    /// # Errors
    /// [`JournalError::Io`]; what was done before is still there.
    pub fn push(&mut self, done: &Done) -> Result<(), JournalError> {
        let content = encode(done);
        let mut record = (content.len() as u32).to_le_bytes().to_vec();
        record.extend(&content);
        record.extend(checksum(&content));
        let mut write = || {
            self.file.seek(SeekFrom::Start(self.end))?;
            self.file.write_all(&record)
        };
        write().map_err(|source| self.io(source))?;
        let start = self.end + LENGTH_BYTES as u64;
        self.records
            .insert(done.name.clone(), (start, content.len() as u32));
        self.end += record.len() as u64;
        Ok(())
    }

    /// Removes the file: all is where it belongs.
    ///
    /// # Errors
    /// [`JournalError::Io`]
    pub fn remove(self) -> Result<(), JournalError> {
        std::fs::remove_file(&self.path).map_err(|source| self.io(source))
    }

    fn io(&self, source: io::Error) -> JournalError {
        JournalError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

fn checksum(content: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::digest(content);
    std::array::from_fn(|at| digest[at])
}

/// Name, SHA-256, length, rate, samples, spikes: numbers little-endian, texts with their length before.
fn encode(done: &Done) -> Vec<u8> {
    let mut out = Vec::new();
    for text in [&done.name, &done.sha256] {
        out.extend((text.len() as u32).to_le_bytes());
        out.extend(text.as_bytes());
    }
    let encoding = &done.encoding;
    out.extend(done.seconds.to_le_bytes());
    out.extend(encoding.rate_hz.to_le_bytes());
    out.extend((encoding.samples as u64).to_le_bytes());
    for spike in &encoding.spikes {
        out.extend(spike.index.to_le_bytes());
        out.extend(spike.channel.to_le_bytes());
    }
    out
}

/// `None` if it is no record.
fn decode(mut bytes: &[u8]) -> Option<Done> {
    fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
        let (first, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(*first)
    }
    fn text(bytes: &mut &[u8]) -> Option<String> {
        let length = u32::from_le_bytes(take(bytes)?) as usize;
        let (text, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        String::from_utf8(text.to_vec()).ok()
    }
    let (name, sha256) = (text(&mut bytes)?, text(&mut bytes)?);
    let seconds = f64::from_le_bytes(take(&mut bytes)?);
    let rate_hz = u32::from_le_bytes(take(&mut bytes)?);
    let samples = u64::from_le_bytes(take(&mut bytes)?) as usize;
    let (spikes, rest) = bytes.as_chunks::<6>();
    let spike = |bytes: &[u8; 6]| Spike {
        index: u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
        channel: u16::from_le_bytes([bytes[4], bytes[5]]),
    };
    rest.is_empty().then(|| Done {
        name,
        sha256,
        seconds,
        encoding: Encoding {
            spikes: spikes.iter().map(spike).collect(),
            rate_hz,
            samples,
            notes: Vec::new(),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(name: &str, spikes: u32) -> Done {
        Done {
            name: name.to_owned(),
            sha256: "0123".to_owned(),
            seconds: 0.25,
            encoding: Encoding {
                spikes: (0..spikes)
                    .map(|k| Spike {
                        index: 7 * k,
                        channel: (k % 700) as u16,
                    })
                    .collect(),
                rate_hz: 24_000,
                samples: 6001,
                notes: Vec::new(),
            },
        }
    }

    #[test]
    fn what_was_done_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.part");
        let mut journal = Journal::open(&path, "a = 1\nb = 2").unwrap();
        assert!(journal.is_empty());
        journal.push(&done("one", 1000)).unwrap();
        journal.push(&done("two", 0)).unwrap();
        journal.push(&done("one", 3)).unwrap();
        let in_use = Journal::open(&path, "a = 1\nb = 2").unwrap_err();
        assert!(matches!(in_use, JournalError::InUse { .. }), "{in_use}");
        drop(journal);
        let journal = Journal::open(&path, "a = 1\nb = 2").unwrap();
        assert_eq!(journal.len(), 2);
        assert_eq!(journal.get("one").unwrap(), Some(done("one", 3)));
        assert_eq!(journal.get("two").unwrap(), Some(done("two", 0)));
        assert_eq!(journal.get("three").unwrap(), None);
        journal.remove().unwrap();
        assert!(!path.exists());
    }

    /// A power cut may leave any beginning of the file, or wrong bytes at its end.
    #[test]
    fn a_cut_off_record_is_done_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.part");
        let mut journal = Journal::open(&path, "a").unwrap();
        journal.push(&done("one", 5)).unwrap();
        let whole = journal.end as usize;
        journal.push(&done("two", 5)).unwrap();
        drop(journal);
        let bytes = std::fs::read(&path).unwrap();
        for length in [whole, whole + 3, whole + 40, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let mut journal = Journal::open(&path, "a").unwrap();
            assert_eq!(journal.len(), 1, "{length}");
            journal.push(&done("three", 2)).unwrap();
            drop(journal);
            let journal = Journal::open(&path, "a").unwrap();
            assert_eq!(journal.get("three").unwrap(), Some(done("three", 2)));
        }
        let mut wrong = bytes.clone();
        wrong[whole + 30] ^= 1;
        std::fs::write(&path, wrong).unwrap();
        assert_eq!(Journal::open(&path, "a").unwrap().len(), 1);
    }

    #[test]
    fn other_settings_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.part");
        drop(Journal::open(&path, "seed = 1\nlevel = 2").unwrap());
        let error = Journal::open(&path, "seed = 1\nlevel = 3")
            .unwrap_err()
            .to_string();
        assert!(error.contains("level = 2, now level = 3"), "{error}");
        std::fs::write(&path, "something else that is there").unwrap();
        let error = Journal::open(&path, "seed = 1").unwrap_err().to_string();
        assert!(error.contains("not a journal"), "{error}");
    }
}
