//! NumPy's `.npz` archives: several arrays, each a `.npy` file in a zip archive.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ::zip::ZipWriter;
use ::zip::write::{SimpleFileOptions, StreamWriter};
use eventprop::time_noise::TimeNoise;
use thiserror::Error;

use super::{source, zip};
use crate::atomic::{self, WriteError};
use crate::formats::npy::number::Field;
use crate::formats::npy::{self, Element, NpyProblem};

/// An array that unpacks to more is not read.
const ARRAY_BYTES_MAX: u64 = 1 << 33;

/// An archive of arrays could not be read.
#[derive(Debug, Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct NpzError {
    /// The file.
    pub path: PathBuf,
    /// The problem.
    #[source]
    pub problem: NpzProblem,
}

/// Problem of an archive of arrays.
#[derive(Debug, Error)]
pub enum NpzProblem {
    /// The system could not read it, or it is no zip archive.
    #[error("cannot be read as .npz: {0}")]
    Io(#[from] io::Error),
    /// An array is damaged.
    #[error("array {name:?}: {problem}")]
    Array {
        /// Its name.
        name: String,
        /// The problem.
        problem: NpyProblem,
    },
    /// An array holds no numbers, or more or fewer than its shape says.
    #[error(
        "array {name:?} has elements of type {descr:?} in the shape {shape:?} and {bytes} bytes of them; \
         whole numbers, floats or booleans in C order are read"
    )]
    Content {
        /// Its name.
        name: String,
        /// NumPy's code of the type.
        descr: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Its length.
        bytes: usize,
    },
    /// An array that is needed is not there.
    #[error("there is no array {wanted}; the archive has {found:?}")]
    Missing {
        /// The first name looked for.
        wanted: &'static str,
        /// The names in the archive.
        found: Vec<String>,
    },
}

/// An array of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// Length of each dimension, slowest first.
    pub shape: Vec<usize>,
    /// The numbers, row-major.
    pub values: Vec<f64>,
    /// Noise of times, for the type that the numbers have in the file.
    pub noise: TimeNoise,
}

/// An archive of arrays.
#[derive(Debug)]
pub struct Npz {
    path: PathBuf,
    names: Vec<String>,
}

impl Npz {
    /// Opens an archive.
    ///
    /// # Errors
    /// [`NpzError`].
    pub fn open(path: &Path) -> Result<Self, NpzError> {
        let names = source::open(path).and_then(|source| zip::names(source.file));
        let names = names.map_err(|error| failed(path, error.into()))?;
        let plain = |name: &String| name.trim_end_matches(".npy").to_owned();
        Ok(Self {
            path: path.to_owned(),
            names: names.iter().map(plain).collect(),
        })
    }

    /// Names of the arrays.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The first of some arrays that is there, and its name.
    ///
    /// # Errors
    /// [`NpzProblem::Missing`] when none is there, and what is wrong with the one that is.
    pub fn numbers(&self, names: &[&'static str]) -> Result<(&'static str, Numbers), NpzError> {
        let there = names
            .iter()
            .find(|name| self.names.iter().any(|n| n == *name));
        let Some(&name) = there else {
            let wanted = names.first().copied().unwrap_or_default();
            let found = self.names.clone();
            return Err(failed(&self.path, NpzProblem::Missing { wanted, found }));
        };
        let numbers = self
            .read(name)
            .map_err(|problem| failed(&self.path, problem))?;
        Ok((name, numbers))
    }

    fn read(&self, name: &str) -> Result<Numbers, NpzProblem> {
        let source = source::open(&self.path)?;
        let bytes = content(source.file, name)?;
        let array = |problem| NpzProblem::Array {
            name: name.to_owned(),
            problem,
        };
        let (header, start) = npy::header_text(&bytes).map_err(array)?;
        let values = &bytes[start..];
        let count = header
            .shape
            .iter()
            .try_fold(1usize, |n, d| n.checked_mul(*d));
        let field = Field::new(&header.descr, 0);
        let fits = field.zip(count).filter(|(field, count)| {
            let one_dimension = header.shape.len() < 2;
            count.checked_mul(field.bytes) == Some(values.len())
                && (one_dimension || !header.fortran_order)
        });
        let Some((field, _)) = fits else {
            return Err(NpzProblem::Content {
                name: name.to_owned(),
                descr: header.descr,
                shape: header.shape,
                bytes: values.len(),
            });
        };
        let numbers = values.chunks_exact(field.bytes).map(|raw| field.float(raw));
        let noise = field.time_noise();
        Ok(Numbers {
            shape: header.shape,
            values: numbers.collect(),
            noise,
        })
    }
}

fn content(file: File, name: &str) -> io::Result<Vec<u8>> {
    let name = format!("{name}.npy");
    let Some((reader, length)) = zip::named_member(file, &name)? else {
        return Err(io::Error::new(io::ErrorKind::NotFound, name));
    };
    if length > ARRAY_BYTES_MAX {
        let message = format!("{name} has {length} bytes; at most {ARRAY_BYTES_MAX} are read");
        return Err(io::Error::new(io::ErrorKind::InvalidData, message));
    }
    let mut content = Vec::new();
    reader.take(length + 1).read_to_end(&mut content)?;
    Ok(content)
}

fn failed(path: &Path, problem: NpzProblem) -> NpzError {
    NpzError {
        path: path.to_owned(),
        problem,
    }
}

/// An archive while it is written.
pub struct Archive<'a> {
    zip: ZipWriter<StreamWriter<&'a mut dyn Write>>,
}

impl Archive<'_> {
    /// Adds an array, packed with Deflate.
    ///
    /// # Errors
    /// When it cannot be written, and as [`npy::write`].
    pub fn add<T: Element>(&mut self, name: &str, shape: &[usize], values: &[T]) -> io::Result<()> {
        // Without a clock the bytes are the same in every run; sizes above 4 GiB need longer fields.
        let options = SimpleFileOptions::default().large_file(true);
        self.zip.start_file(format!("{name}.npy"), options)?;
        npy::write_to(&mut self.zip, shape, values)
    }
}

/// Writes an archive atomically ([`crate::atomic`]): `content` adds the arrays. NumPy's `load` reads it.
///
/// # Errors
/// [`WriteError`], also for an error that `content` returns.
pub fn write(
    path: &Path,
    content: impl FnOnce(&mut Archive<'_>) -> io::Result<()>,
) -> Result<(), WriteError> {
    atomic::write(path, |out| {
        let mut archive = Archive {
            zip: ZipWriter::new_stream(out),
        };
        content(&mut archive)?;
        archive.zip.finish()?;
        Ok(())
    })
}

/// An archive with stored members, as `numpy.savez` writes it.
#[cfg(test)]
pub(crate) fn archive(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
    let stored = ::zip::CompressionMethod::Stored;
    for (name, content) in arrays {
        let options = SimpleFileOptions::default().compression_method(stored);
        writer.start_file(format!("{name}.npy"), options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A `.npy` file of numbers of 8 bytes.
#[cfg(test)]
pub(crate) fn array(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    npy::write_header(&mut bytes, "'<f8'", shape).expect("memory takes everything");
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Arrays that are written are read back, numbers of every type, and a second time has the same bytes.
    #[test]
    fn archives_are_written_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("arrays.npz");
        let once = || {
            let added = write(&path, |archive| {
                archive.add("t", &[3], &[0.5_f64, 1.0, 2.5])?;
                archive.add("v", &[1, 2], &[1.5_f32, -2.0])?;
                archive.add("n", &[2], &[-1_i32, 7])
            });
            added.unwrap();
            std::fs::read(&path).unwrap()
        };
        assert_eq!(once(), once());
        let npz = Npz::open(&path).unwrap();
        assert_eq!(npz.names(), ["t", "v", "n"]);
        for (name, shape, values) in [
            ("t", &[3][..], &[0.5, 1.0, 2.5][..]),
            ("v", &[1, 2], &[1.5, -2.0]),
            ("n", &[2], &[-1.0, 7.0]),
        ] {
            let numbers = npz.numbers(&[name]).unwrap().1;
            assert_eq!(
                (numbers.shape.as_slice(), numbers.values.as_slice()),
                (shape, values)
            );
        }
        let wrong = write(&path, |archive| archive.add("t", &[3], &[0.5]));
        assert!(wrong.unwrap_err().to_string().contains("shape [3]"));
        assert_eq!(
            Npz::open(&path).unwrap().names().len(),
            3,
            "the old one is kept"
        );
    }

    fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("arrays.npz");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    #[test]
    fn arrays_by_name() {
        let bytes = archive(&[("a", array(&[2, 1], &[1.5, 2.0])), ("b", array(&[0], &[]))]);
        let (_folder, path) = written(&bytes);
        let npz = Npz::open(&path).unwrap();
        assert_eq!(npz.names(), ["a", "b"]);
        let (name, a) = npz.numbers(&["c", "a"]).unwrap();
        assert_eq!((name, a.shape, a.values), ("a", vec![2, 1], vec![1.5, 2.0]));
        let missing = npz.numbers(&["c"]).unwrap_err().to_string();
        assert!(
            missing.contains(r#"no array c; the archive has ["a", "b"]"#),
            "{missing}"
        );
    }

    #[test]
    fn what_is_no_numbers_is_an_error() {
        let mut text = Vec::new();
        npy::write_header(&mut text, "'<U5'", &[1]).unwrap();
        let short = array(&[3], &[1.0]);
        let bytes = archive(&[("text", text), ("short", short), ("junk", vec![1, 2])]);
        let (_folder, path) = written(&bytes);
        let npz = Npz::open(&path).unwrap();
        for name in ["text", "short", "junk"] {
            let error = npz.numbers(&[name]).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        let (_folder, path) = written(b"no archive");
        assert!(Npz::open(&path).is_err());
    }
}
