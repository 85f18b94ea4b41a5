//! Binned sets kept on the disk.
//!
//! A file of the cache begins with everything that shaped its set, as text: the version of the format,
//! the source file (name, size, time of its last change, a digest of samples of its content), the
//! grid. Another text is another file. At its end stands the SHA-256 of all that comes before; one that
//! does not fit is not used, told, and written anew.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::{Counts, Loaded};
use crate::atomic;
use crate::binned::{BinnedSet, Binning, Repeats};
use crate::obtain::checksum::hex;

/// Goes up whenever the same file and grid would give other bytes.
const VERSION: u32 = 1;
const MAGIC: &[u8; 16] = b"eventprop binned";
const DIGEST_BYTES: u64 = 32;
/// The digest of a source file is taken of so many pieces, evenly placed, of so many bytes.
const PIECES: u64 = 64;
const PIECE_BYTES: u64 = 4096;
/// Texts in a cache file are short.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// The place of one binned set.
#[derive(Debug)]
pub(super) struct Cache {
    path: PathBuf,
    source: PathBuf,
    key: String,
    repeats: Repeats,
}

impl Cache {
    /// Path in `folder` at which the set of the file `source` on this grid is kept.
    pub(super) fn new(
        folder: &Path,
        source: &Path,
        classes: Option<u32>,
        binning: &Binning,
    ) -> io::Result<Self> {
        let key = key(source, classes, binning)?;
        let stem = source.file_name().unwrap_or_default().to_string_lossy();
        let stem = stem.split('.').next().unwrap_or_default();
        let digest = hex(&Sha256::digest(key.as_bytes())[..8]);
        Ok(Self {
            path: folder.join(format!("{stem}-{digest}.binned")),
            source: source.to_owned(),
            key,
            repeats: binning.repeats,
        })
    }

    /// The set, if it is there.
    ///
    /// # Errors
    /// A notice, when what is there cannot be used.
    pub(super) fn read(&self) -> Result<Option<Loaded>, String> {
        match self.read_file() {
            Ok(loaded) => Ok(Some(loaded)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!(
                "{} cannot be used ({error}); {} is read again",
                self.path.display(),
                self.source.display()
            )),
        }
    }

    /// Keeps a set.
    ///
    /// # Errors
    /// A notice, when it cannot be written.
    pub(super) fn write(&self, loaded: &Loaded) -> Result<(), String> {
        let written = atomic::write(&self.path, |out| {
            let mut hashing = Hashing::new(out);
            self.write_content(loaded, &mut hashing)?;
            let digest = hashing.digest.finalize();
            hashing.inner.write_all(&digest)
        });
        written.map_err(|error| format!("the binned set is not kept for the next time: {error}"))
    }

    fn write_content(&self, loaded: &Loaded, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(MAGIC)?;
        write_text(out, &self.key)?;
        let words = &loaded.set.class_names;
        out.write_all(&(words.len() as u64).to_le_bytes())?;
        for word in words {
            write_text(out, word)?;
        }
        out.write_all(&[u8::from(loaded.synthetic.is_some())])?;
        write_text(out, loaded.synthetic.as_deref().unwrap_or_default())?;
        for count in counted(&loaded.counts) {
            out.write_all(&count.to_le_bytes())?;
        }
        let mut out = BufWriter::with_capacity(1 << 16, out);
        loaded.set.write_to(&mut out)?;
        out.flush()
    }

    fn read_file(&self) -> io::Result<Loaded> {
        let file = File::open(&self.path)?;
        let bytes = file.metadata()?.len();
        let content = bytes.checked_sub(DIGEST_BYTES);
        let content = content.ok_or_else(|| invalid("it is cut off"))?;
        let mut input = Hashing::new(BufReader::with_capacity(1 << 16, file.take(content)));
        let loaded = self.read_content(&mut input, content)?;
        if input.read(&mut [0])? != 0 {
            return Err(invalid("it is longer than its content"));
        }
        let found = input.digest.finalize();
        let mut file = input.inner.into_inner().into_inner();
        file.seek(SeekFrom::Start(content))?;
        let mut expected = [0; DIGEST_BYTES as usize];
        file.read_exact(&mut expected)?;
        if found[..] != expected {
            return Err(invalid("its checksum is wrong"));
        }
        Ok(loaded)
    }

    fn read_content(&self, input: &mut dyn Read, bytes: u64) -> io::Result<Loaded> {
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic)?;
        if magic != *MAGIC || read_text(input)? != self.key {
            return Err(invalid("it is of another version or file"));
        }
        let words = read_number(input)?.min(bytes);
        let class_names = (0..words)
            .map(|_| read_text(input))
            .collect::<io::Result<_>>()?;
        let mut is_synthetic = [0];
        input.read_exact(&mut is_synthetic)?;
        let says = read_text(input)?;
        let mut counts = [0; 5];
        for count in &mut counts {
            *count = read_number(input)?;
        }
        let [spikes, cut_off, merged, unsorted, empty] = counts;
        let mut set = BinnedSet::read_from(input, bytes)?.with_repeats(self.repeats);
        set.class_names = class_names;
        Ok(Loaded {
            set,
            synthetic: (is_synthetic == [1]).then_some(says),
            counts: Counts {
                spikes,
                cut_off,
                merged,
                unsorted,
                empty,
            },
            notices: Vec::new(),
            path: self.source.clone(),
        })
    }
}

fn counted(counts: &Counts) -> [u64; 5] {
    let Counts {
        spikes,
        cut_off,
        merged,
        unsorted,
        empty,
    } = *counts;
    [spikes, cut_off, merged, unsorted, empty]
}

/// Everything that shapes a binned set, as text.
fn key(source: &Path, classes: Option<u32>, binning: &Binning) -> io::Result<String> {
    let metadata = fs::metadata(source)?;
    let changed = metadata.modified()?.duration_since(UNIX_EPOCH);
    let Binning {
        dt_ms,
        steps,
        inputs,
        rescale_t,
        rescale_x,
        repeats,
    } = *binning;
    // Floats are shown so that different ones differ.
    Ok(format!(
        "version {VERSION}\nfile {}\nbytes {}\nchanged {:?}\ncontent {}\nclasses {classes:?}\n\
         dt_ms {dt_ms:?}\nsteps {steps}\ninputs {inputs}\nrescale_t {rescale_t:?}\nrescale_x {rescale_x:?}\nrepeats {repeats:?}\n",
        source.file_name().unwrap_or_default().to_string_lossy(),
        metadata.len(),
        changed.unwrap_or_default(),
        content_digest(&mut File::open(source)?, metadata.len())?,
    ))
}

/// A digest of pieces of a file, among them its beginning and its end: cheap, and another file of the
/// same size and time, as a copy that keeps times may leave, has another one.
fn content_digest(file: &mut File, bytes: u64) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut piece = Vec::new();
    let last = bytes.saturating_sub(PIECE_BYTES);
    for n in 0..PIECES {
        let start = u128::from(last) * u128::from(n) / u128::from(PIECES - 1);
        file.seek(SeekFrom::Start(start as u64))?;
        piece.clear();
        file.take(PIECE_BYTES).read_to_end(&mut piece)?;
        digest.update(&piece);
    }
    Ok(hex(&digest.finalize()))
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn write_text(out: &mut dyn Write, text: &str) -> io::Result<()> {
    out.write_all(&(text.len() as u64).to_le_bytes())?;
    out.write_all(text.as_bytes())
}

fn read_number(input: &mut dyn Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    input.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn read_text(input: &mut dyn Read) -> io::Result<String> {
    let bytes = read_number(input)?;
    if bytes > TEXT_BYTES_MAX {
        return Err(invalid("a text in it is too long"));
    }
    let mut text = vec![0; bytes as usize];
    input.read_exact(&mut text)?;
    String::from_utf8(text).map_err(|_| invalid("a text in it is damaged"))
}

/// Digests what goes through.
struct Hashing<T> {
    inner: T,
    digest: Sha256,
}

impl<T> Hashing<T> {
    fn new(inner: T) -> Self {
        Self {
            inner,
            digest: Sha256::new(),
        }
    }
}

impl<T: Read> Read for Hashing<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.digest.update(&buffer[..read]);
        Ok(read)
    }
}

impl<T: Write> Write for Hashing<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
