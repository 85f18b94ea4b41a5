//! NumPy's `.npz` archives: several arrays, each a `.npy` file in a zip archive.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::npy::number::Field;
use crate::npy::{self, NpyProblem};
use crate::{source, zip};

/// An array that unpacks to more is not read.
const ARRAY_BYTES_MAX: u64 = 1 << 33;

/// An archive of arrays could not be read.
#[derive(Debug, Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct NpzError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub problem: NpzProblem,
}

/// What is wrong with an archive of arrays.
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
        /// What is wrong with it.
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
        /// What was looked for.
        wanted: &'static str,
        /// What there is.
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
        let names = source::open(path).and_then(|mut s| zip::names(&mut s.file, s.bytes));
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
        let bytes = content(source.file, source.bytes, name)?;
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
        Ok(Numbers {
            shape: header.shape,
            values: numbers.collect(),
        })
    }
}

fn content(file: File, bytes: u64, name: &str) -> io::Result<Vec<u8>> {
    let name = format!("{name}.npy");
    let Some((reader, length)) = zip::named_member(file, bytes, &name)? else {
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

/// An archive with stored members, as `numpy.savez` writes it.
#[cfg(test)]
pub(crate) fn archive(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut table) = (Vec::new(), Vec::new());
    for (name, content) in arrays {
        let name = format!("{name}.npy");
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut entry = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for word in [crc.sum(), content.len() as u32, content.len() as u32] {
            entry.extend(word.to_le_bytes());
        }
        entry.extend((name.len() as u16).to_le_bytes());
        entry.extend([0, 0]);
        table.extend(b"PK\x01\x02\x14\x00");
        table.extend(&entry);
        table.extend([0; 10]);
        table.extend((bytes.len() as u32).to_le_bytes());
        table.extend(name.as_bytes());
        bytes.extend(zip::MAGIC);
        bytes.extend(&entry);
        bytes.extend(name.as_bytes());
        bytes.extend(content);
    }
    let (count, start) = ((arrays.len() as u16).to_le_bytes(), bytes.len() as u32);
    let table_bytes = table.len() as u32;
    bytes.extend(table);
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
    bytes.extend([count, count].concat());
    bytes.extend(table_bytes.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
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
