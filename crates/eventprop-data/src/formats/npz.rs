//! NumPy's `.npz` archives: several arrays, each a `.npy` file in a zip archive.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ::zip::ZipWriter;
use ::zip::write::{SimpleFileOptions, StreamWriter};
use eventprop::time_noise::TimeNoise;
use eventprop_audio::guard::guarded;
use thiserror::Error;

use super::{source, zip};
use crate::atomic::{self, WriteError};
use crate::formats::npy::number::{self, Field};
use crate::formats::npy::{self, Element, NpyProblem};

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
    /// An array is damaged, or of a kind that is not read.
    #[error("array {name:?}: {problem}")]
    Array {
        /// Its name.
        name: String,
        /// The problem.
        problem: NpyProblem,
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
        Ok((name, self.array(name)?))
    }

    /// An array.
    ///
    /// # Errors
    /// [`NpzError`].
    pub fn array(&self, name: &str) -> Result<Numbers, NpzError> {
        self.read(name)
            .map_err(|problem| failed(&self.path, problem))
    }

    fn read(&self, name: &str) -> Result<Numbers, NpzProblem> {
        let bytes = self.bytes(name)?;
        let array = |problem| NpzProblem::Array {
            name: name.to_owned(),
            problem,
        };
        numbers(&bytes).map_err(array)
    }

    /// The content of the `.npy` file of an array.
    ///
    /// # Errors
    /// When the archive is damaged, or unpacks to more than its length allows.
    pub(crate) fn bytes(&self, name: &str) -> io::Result<Vec<u8>> {
        guarded(|| content(&self.path, name)).flatten()
    }
}

/// True for a zip archive in which there is nothing but arrays.
///
/// # Errors
/// When it cannot be read.
pub fn is_npz(path: &Path) -> io::Result<bool> {
    let source = source::open(path)?;
    if !source.begins_with(&zip::MAGIC)? {
        return Ok(false);
    }
    let names = zip::names(source.file)?;
    Ok(!names.is_empty() && names.iter().all(|name| name.strip_suffix(".npy").is_some()))
}

fn numbers(bytes: &[u8]) -> Result<Numbers, NpyProblem> {
    let (header, start) = npy::header_text(bytes)?;
    let values = &bytes[start..];
    let field = Field::new(&header.descr, 0).ok_or_else(|| NpyProblem::Dtype {
        found: if header.fields.is_some() {
            "record".to_owned()
        } else {
            header.descr.clone()
        },
        expected: number::READ,
    })?;
    let expected = header
        .shape
        .iter()
        .try_fold(field.bytes, |n, d| n.checked_mul(*d))
        .ok_or_else(|| NpyProblem::Shape {
            found: format!("{:?}", header.shape),
        })?;
    if expected != values.len() {
        return Err(NpyProblem::Length {
            shape: header.shape,
            expected: expected as u64,
            found: values.len() as u64,
        });
    }
    let in_file = values.chunks_exact(field.bytes).map(|raw| field.float(raw));
    let in_file: Vec<f64> = in_file.collect();
    Ok(Numbers {
        values: if header.fortran_order {
            row_major(&in_file, &header.shape)
        } else {
            in_file
        },
        shape: header.shape,
        noise: field.time_noise(),
    })
}

/// The numbers of an array whose first index runs fastest, with its last one running fastest.
fn row_major(values: &[f64], shape: &[usize]) -> Vec<f64> {
    let mut indices = vec![0; shape.len()];
    let mut reordered = Vec::with_capacity(values.len());
    for _ in values {
        let place = indices
            .iter()
            .zip(shape)
            .rev()
            .fold(0, |place, (index, length)| place * length + index);
        reordered.push(values[place]);
        for (index, length) in indices.iter_mut().zip(shape).rev() {
            *index += 1;
            if *index < *length {
                break;
            }
            *index = 0;
        }
    }
    reordered
}

fn content(path: &Path, name: &str) -> io::Result<Vec<u8>> {
    let name = format!("{name}.npy");
    let source = source::open(path)?;
    let bytes_max = source::unpacked_max(source.bytes);
    let Some((reader, length)) = zip::named_member(source.file, &name)? else {
        return Err(io::Error::new(io::ErrorKind::NotFound, name));
    };
    if length > bytes_max {
        return Err(source::too_large(
            &format!("{name} unpacks to {length} bytes"),
            source.bytes,
            "save the arrays with numpy.savez, which does not pack them",
        ));
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
        assert!(is_npz(&path).unwrap());
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
    fn arrays_whose_first_index_runs_fastest() {
        let mut bytes = array(&[2, 3], &[0.0, 10.0, 1.0, 11.0, 2.0, 12.0]);
        let at = bytes.windows(5).position(|w| w == b"False").unwrap();
        bytes[at..at + 5].copy_from_slice(b"True ");
        let (_folder, path) = written(&archive(&[("a", bytes)]));
        let numbers = Npz::open(&path).unwrap().array("a").unwrap();
        assert_eq!(numbers.shape, [2, 3]);
        assert_eq!(numbers.values, [0.0, 1.0, 2.0, 10.0, 11.0, 12.0]);
    }

    /// The archive's table says 300 MB for an array of 136 bytes.
    #[test]
    fn an_array_that_unpacks_to_far_more_than_the_file_is_not_unpacked() {
        let mut bytes = archive(&[("a", array(&[1], &[1.0]))]);
        let table = bytes.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
        bytes[table + 24..table + 28].copy_from_slice(&300_000_000u32.to_le_bytes());
        let (_folder, path) = written(&bytes);
        let error = Npz::open(&path)
            .unwrap()
            .array("a")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("a.npy unpacks to 300000000 bytes"),
            "{error}"
        );
        assert!(error.contains("numpy.savez"), "{error}");
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
        assert!(!is_npz(&path).unwrap());
        assert!(Npz::open(&path).is_err());
    }
}
