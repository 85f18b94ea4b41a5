//! The file of a checkpoint: a safetensors file that checks itself.
//!
//! Eight bytes give the length of a JSON header (little endian), the header gives name, type, shape
//! and position of every array, and the arrays follow, as in any safetensors file. The header's
//! `__metadata__` holds the words of ours: `format`, `version`, `state` (JSON in a string) and
//! `sha256`, the checksum of the whole file with 64 zeros in the place of the checksum itself. This
//! rule is the same in every version, so that a file of a newer program is told from a damaged one.
//!
//! The crate `safetensors` reads these files, and the tests ask it to, but it does not write them: it
//! keeps the words in a hash map, so that equal checkpoints would differ in their bytes from process to
//! process, and it takes a type of numbers that it does not know for damage before the version is seen.

use std::io::{self, Write};

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The version of the files that this program writes; it reads this one and those before it.
pub const VERSION: u32 = 1;

const FORMAT: &str = "eventprop-checkpoint";
const NO_SUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Bytes before the header.
const LENGTH_BYTES: usize = 8;

/// Why bytes are no checkpoint that can be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Defect {
    /// Something else.
    #[error("it is no checkpoint of this program")]
    Foreign,
    /// Cut short or changed.
    #[error("it is damaged ({0})")]
    Damaged(String),
    /// Written by a newer program.
    #[error("it has format version {found} and this program knows {VERSION}; use a newer program")]
    Newer {
        /// The version found.
        found: u32,
    },
    /// An array is missing or has another size or type.
    #[error("its array {name} {problem}")]
    Array {
        /// The array.
        name: String,
        /// The problem.
        problem: String,
    },
}

/// A number type of arrays.
pub trait Element: Copy {
    /// The name in the header.
    const DTYPE: &'static str;
    /// Bytes of a number.
    const SIZE: usize;

    /// Appends a number, little endian.
    fn put(self, bytes: &mut Vec<u8>);

    /// Reads a number from exactly [`Self::SIZE`] bytes.
    fn get(bytes: &[u8]) -> Self;
}

macro_rules! element {
    ($($number:ty: $dtype:literal),*) => {$(
        impl Element for $number {
            const DTYPE: &'static str = $dtype;
            const SIZE: usize = size_of::<$number>();

            fn put(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn get(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("as many bytes as the number has"))
            }
        }
    )*};
}

element!(f32: "F32", f64: "F64", i32: "I32", u64: "U64");

/// An array in little-endian bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Array {
    name: String,
    dtype: String,
    len: usize,
    bytes: Vec<u8>,
}

/// The content of a checkpoint: a state in JSON, and named arrays of one dimension.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Container {
    /// The state.
    pub state: Json,
    arrays: Vec<Array>,
}

impl Container {
    /// A container without arrays.
    pub fn new(state: Json) -> Self {
        Self {
            state,
            arrays: Vec::new(),
        }
    }

    /// Adds an array.
    pub fn put<T: Element>(&mut self, name: &str, values: &[T]) {
        let mut bytes = Vec::with_capacity(values.len() * T::SIZE);
        for &value in values {
            value.put(&mut bytes);
        }
        self.arrays.push(Array {
            name: name.to_owned(),
            dtype: T::DTYPE.to_owned(),
            len: values.len(),
            bytes,
        });
    }

    /// The values of an array.
    ///
    /// # Errors
    /// [`Defect::Array`] when it is missing or holds numbers of another type.
    pub fn get<T: Element>(&self, name: &str) -> Result<Vec<T>, Defect> {
        let wrong = |problem: String| Defect::Array {
            name: name.to_owned(),
            problem,
        };
        let array = self.arrays.iter().find(|array| array.name == name);
        let array = array.ok_or_else(|| wrong("is missing".to_owned()))?;
        if array.dtype != T::DTYPE {
            let problem = format!("holds {} numbers, not {}", array.dtype, T::DTYPE);
            return Err(wrong(problem));
        }
        Ok(array.bytes.chunks_exact(T::SIZE).map(T::get).collect())
    }

    /// As [`Self::get`], for an array that must have `expected` numbers.
    ///
    /// # Errors
    /// [`Defect::Array`].
    pub fn get_exactly<T: Element>(&self, name: &str, expected: usize) -> Result<Vec<T>, Defect> {
        let values = self.get(name)?;
        if values.len() == expected {
            return Ok(values);
        }
        Err(Defect::Array {
            name: name.to_owned(),
            problem: format!(
                "has {} numbers and the network needs {expected}",
                values.len()
            ),
        })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn write_to(&self, out: &mut dyn Write) -> io::Result<()> {
        let header = self.header();
        let header = header.replacen(NO_SUM, &self.sum_with(&header), 1);
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(header.as_bytes())?;
        self.arrays
            .iter()
            .try_for_each(|array| out.write_all(&array.bytes))
    }

    /// The checksum of the file.
    pub fn sum(&self) -> String {
        self.sum_with(&self.header())
    }

    fn sum_with(&self, header: &str) -> String {
        let mut sum = Sha256::new();
        sum.update((header.len() as u64).to_le_bytes());
        sum.update(header);
        self.arrays
            .iter()
            .for_each(|array| sum.update(&array.bytes));
        hex(&sum.finalize())
    }

    /// The header without the checksum, padded to a multiple of eight bytes.
    fn header(&self) -> String {
        let mut entries = Map::new();
        let metadata = json!({
            "sha256": NO_SUM,
            "format": FORMAT,
            "version": VERSION.to_string(),
            "state": self.state.to_string(),
        });
        entries.insert("__metadata__".to_owned(), metadata);
        let mut start = 0;
        for array in &self.arrays {
            let end = start + array.bytes.len();
            let entry = json!({
                "dtype": array.dtype,
                "shape": [array.len],
                "data_offsets": [start, end],
            });
            entries.insert(array.name.clone(), entry);
            start = end;
        }
        let mut header = Json::Object(entries).to_string();
        let padded = header.len().next_multiple_of(LENGTH_BYTES);
        header.extend(std::iter::repeat_n(' ', padded - header.len()));
        header
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// [`Defect`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Defect> {
        let (header, data) = split(bytes)?;
        let text = std::str::from_utf8(header).map_err(|_| damaged("its header is no text"))?;
        let mut entries: Map<String, Json> =
            serde_json::from_str(text).map_err(|_| damaged("its header is no JSON"))?;
        let metadata = entries
            .shift_remove("__metadata__")
            .ok_or(Defect::Foreign)?;
        let word = |key: &str| metadata[key].as_str().ok_or(Defect::Foreign);
        check_sum(bytes, header.len(), word("sha256")?)?;
        if word("format")? != FORMAT {
            return Err(Defect::Foreign);
        }
        let version = word("version")?.parse().map_err(|_| Defect::Foreign)?;
        if version > VERSION {
            return Err(Defect::Newer { found: version });
        }
        let state = serde_json::from_str(word("state")?);
        let arrays = entries.iter().map(|entry| array(entry, data));
        Ok(Self {
            state: state.map_err(|_| damaged("its state is no JSON"))?,
            arrays: arrays.collect::<Result<_, _>>()?,
        })
    }
}

fn damaged(problem: &str) -> Defect {
    Defect::Damaged(problem.to_owned())
}

/// Header and arrays.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Defect> {
    let cut_short = || Defect::Damaged(format!("it ends after {} bytes", bytes.len()));
    let (length, rest) = bytes
        .split_first_chunk::<LENGTH_BYTES>()
        .ok_or_else(cut_short)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > rest.len() {
        return Err(cut_short());
    }
    Ok(rest.split_at(length))
}

/// Compares the checksum of a file with the one that it states.
fn check_sum(bytes: &[u8], header_len: usize, stated: &str) -> Result<(), Defect> {
    let key = b"\"sha256\":\"";
    let header = &bytes[..LENGTH_BYTES + header_len];
    let at = header.windows(key.len()).position(|window| window == key);
    // Quotes inside of strings are escaped, so this is the key and not a part of some text.
    let at = at.ok_or(Defect::Foreign)? + key.len();
    let behind = bytes.get(at + NO_SUM.len()..);
    let behind = behind.ok_or_else(|| damaged("its checksum is cut short"))?;
    let mut sum = Sha256::new();
    sum.update(&bytes[..at]);
    sum.update(NO_SUM);
    sum.update(behind);
    if hex(&sum.finalize()) == stated {
        Ok(())
    } else {
        Err(damaged("its checksum does not fit its content"))
    }
}

fn array((name, entry): (&String, &Json), data: &[u8]) -> Result<Array, Defect> {
    let wrong = || Defect::Damaged(format!("array {name} is not described as it should be"));
    let number = |json: &Json| json.as_u64().and_then(|n| usize::try_from(n).ok());
    let dtype = entry["dtype"].as_str().ok_or_else(wrong)?;
    let len = number(&entry["shape"][0]).ok_or_else(wrong)?;
    let offsets = &entry["data_offsets"];
    let (start, end) = (number(&offsets[0]), number(&offsets[1]));
    let (start, end) = start.zip(end).ok_or_else(wrong)?;
    let bytes = data.get(start..end).ok_or_else(wrong)?;
    Ok(Array {
        name: name.clone(),
        dtype: dtype.to_owned(),
        len,
        bytes: bytes.to_vec(),
    })
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every write");
        text
    })
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;

    use super::*;

    fn example() -> Container {
        let mut container = Container::new(json!({"epoch": 3, "note": "a \"sha256\":\"word\""}));
        container.put("weights", &[1.5_f32, -0.0, f32::MIN_POSITIVE]);
        container.put("steps", &[7_u64, u64::MAX]);
        container.put("nothing", &[0.0_f64; 0]);
        container
    }

    fn bytes(container: &Container) -> Vec<u8> {
        let mut bytes = Vec::new();
        container.write_to(&mut bytes).expect("a Vec takes it");
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let container = example();
        let read = Container::parse(&bytes(&container)).expect("a good file");
        assert_eq!(read, container);
        let weights: Vec<f32> = read.get_exactly("weights", 3).expect("there");
        assert!(weights[1].is_sign_negative(), "every bit is kept");
        assert_eq!(read.get::<u64>("steps").expect("there"), [7, u64::MAX]);
    }

    /// The library of the format reads the file.
    #[test]
    fn it_is_a_safetensors_file() {
        let bytes = bytes(&example());
        let tensors = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let weights = tensors.tensor("weights").expect("there");
        assert_eq!(weights.shape(), [3]);
        assert_eq!(weights.dtype(), safetensors::Dtype::F32);
        assert_eq!(weights.data()[..4], 1.5_f32.to_le_bytes());
    }

    #[test]
    fn a_file_cut_anywhere_is_damaged() {
        let bytes = bytes(&example());
        for len in 0..bytes.len() {
            let defect = Container::parse(&bytes[..len]).expect_err("a part");
            assert!(matches!(defect, Defect::Damaged(_)), "{len}: {defect}");
        }
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let good = bytes(&example());
        for bit in 0..8 * good.len() {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let defect = Container::parse(&bytes).expect_err("a changed file");
            let known = matches!(defect, Defect::Damaged(_) | Defect::Foreign);
            assert!(known, "bit {bit}: {defect}");
        }
    }

    /// A file of a newer program is whole and says so.
    #[test]
    fn a_newer_version_is_named() {
        let header = example()
            .header()
            .replace("\"version\":\"1\"", "\"version\":\"2\"");
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(header.as_bytes());
        for array in &example().arrays {
            file.extend_from_slice(&array.bytes);
        }
        let sum = hex(&Sha256::digest(&file));
        let at = LENGTH_BYTES + header.find(NO_SUM).expect("the place of the checksum");
        file[at..at + NO_SUM.len()].copy_from_slice(sum.as_bytes());
        let defect = Container::parse(&file).expect_err("newer");
        assert_eq!(defect, Defect::Newer { found: 2 });
        assert!(defect.to_string().contains("use a newer program"));
    }

    #[test]
    fn other_files_are_foreign_and_other_arrays_are_named() {
        let foreign = |header: &str| {
            let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
            bytes.extend_from_slice(header.as_bytes());
            Container::parse(&bytes)
        };
        assert_eq!(foreign("{}"), Err(Defect::Foreign));
        assert_eq!(foreign("{\"__metadata__\":{}}"), Err(Defect::Foreign));
        let container = example();
        let defect = container
            .get_exactly::<f32>("weights", 4)
            .expect_err("size");
        assert!(defect.to_string().contains("has 3 numbers"), "{defect}");
        let defect = container.get::<f64>("weights").expect_err("type");
        assert!(defect.to_string().contains("F32 numbers"), "{defect}");
        assert!(container.get::<f64>("absent").is_err());
    }
}
