//! NumPy's `.npy` files: one array of numbers with its shape.
//!
//! Read and written are little-endian f32, f64, i32, i64 and u8 in C order with one to three
//! dimensions: what weights, recordings and the published Yin-Yang sets are. The format is a magic, a
//! version, and a Python dictionary of three keys in ASCII, followed by the values (NumPy
//! enhancement proposal 1). It is read here by 100 lines of our own, because the crates for it bring
//! a parser generator and a C compiler to read that one line.
//!
//! A header is believed only when the file is exactly as long as it says; until then nothing is
//! allocated for the values.

use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::atomic::{self, WriteError};
use crate::formats::source;

pub(crate) mod number;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy's own headers of plain numbers take 118 bytes; more than this is no such header.
const HEADER_MAX: usize = 1 << 16;
const DIMENSIONS_MAX: usize = 3;

/// A `.npy` file could not be read.
#[derive(Debug, Error)]
#[error("{path}: {problem}", path = path.display())]
pub struct NpyError {
    /// The file.
    pub path: PathBuf,
    /// The problem.
    #[source]
    pub problem: NpyProblem,
}

/// Problem of a `.npy` file.
#[derive(Debug, Error)]
pub enum NpyProblem {
    /// The system could not read it.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// The first bytes are not those of the format.
    #[error("not a .npy file: it begins with {found:02x?}, expected {MAGIC:02x?}")]
    Magic {
        /// The first bytes.
        found: Vec<u8>,
    },
    /// A version that is not known.
    #[error(
        ".npy format version {major}; versions 1, 2 and 3 are read: save it again with numpy.save"
    )]
    Version {
        /// The version found.
        major: u8,
    },
    /// The header is not the dictionary that NumPy writes.
    #[error(
        "header {header:?} is not {{'descr': …, 'fortran_order': …, 'shape': …}}: save it again with numpy.save"
    )]
    Header {
        /// The start of the header as text.
        header: String,
    },
    /// An element type that is not read.
    #[error(
        "elements of type {found}, and {expected} are read: convert with array.astype(…) and save again"
    )]
    Dtype {
        /// NumPy's name of the type.
        found: String,
        /// The types that are read.
        expected: &'static str,
    },
    /// Columns come first.
    #[error("Fortran order; save it again as numpy.ascontiguousarray(array)")]
    FortranOrder,
    /// Too few or too many dimensions, or a size that no file can have.
    #[error("shape {found}; 1 to {DIMENSIONS_MAX} dimensions that fit into memory are read")]
    Shape {
        /// The shape as written.
        found: String,
    },
    /// The shape and the length of the file contradict each other.
    #[error(
        "shape {shape:?} needs {expected} bytes of values but the file holds {found}: the file is damaged, get it again"
    )]
    Length {
        /// The shape in the header.
        shape: Vec<usize>,
        /// Bytes that the shape needs.
        expected: u64,
        /// Bytes behind the header.
        found: u64,
    },
}

/// The numbers of an array, row-major.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// `float32`
    F32(Vec<f32>),
    /// `float64`
    F64(Vec<f64>),
    /// `int32`
    I32(Vec<i32>),
    /// `int64`
    I64(Vec<i64>),
    /// `uint8`
    U8(Vec<u8>),
}

impl Values {
    /// NumPy's name of the element type.
    pub fn dtype(&self) -> &'static str {
        match self {
            Self::F32(_) => "float32",
            Self::F64(_) => "float64",
            Self::I32(_) => "int32",
            Self::I64(_) => "int64",
            Self::U8(_) => "uint8",
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::U8(values) => values.len(),
        }
    }

    /// True without elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers as f64: exact, except for `int64` beyond ±2⁵³, which is rounded.
    pub fn to_f64(&self) -> Vec<f64> {
        match self {
            Self::F32(values) => values.iter().map(|v| f64::from(*v)).collect(),
            Self::F64(values) => values.clone(),
            Self::I32(values) => values.iter().map(|v| f64::from(*v)).collect(),
            Self::I64(values) => values.iter().map(|v| *v as f64).collect(),
            Self::U8(values) => values.iter().map(|v| f64::from(*v)).collect(),
        }
    }
}

/// An array read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Array<V> {
    /// Length of each dimension, slowest first; one to three.
    pub shape: Vec<usize>,
    /// The numbers, row-major; as many as the product of `shape`.
    pub values: V,
}

/// An element type of a `.npy` file: f32, f64, i32, i64, u8.
pub trait Element: Copy + sealed::Sealed {
    /// NumPy's code of the type, such as `<f4`.
    const DESCR: &'static str;
    /// NumPy's name of the type, such as `float32`.
    const NAME: &'static str;
}

mod sealed {
    use super::Values;
    use std::io::{self, Write};

    pub trait Sealed: Sized {
        const BYTES: usize;
        fn from_le(bytes: &[u8]) -> Self;
        fn write_le(self, out: &mut dyn Write) -> io::Result<()>;
        fn wrap(values: Vec<Self>) -> Values;
        fn unwrap(values: Values) -> Result<Vec<Self>, Values>;
    }
}

macro_rules! element {
    ($type:ty, $variant:ident, $descr:literal, $name:literal) => {
        impl Element for $type {
            const DESCR: &'static str = $descr;
            const NAME: &'static str = $name;
        }
        impl sealed::Sealed for $type {
            const BYTES: usize = size_of::<$type>();
            fn from_le(bytes: &[u8]) -> Self {
                let mut raw = [0; size_of::<$type>()];
                raw.copy_from_slice(bytes);
                Self::from_le_bytes(raw)
            }
            fn write_le(self, out: &mut dyn Write) -> io::Result<()> {
                out.write_all(&self.to_le_bytes())
            }
            fn wrap(values: Vec<Self>) -> Values {
                Values::$variant(values)
            }
            fn unwrap(values: Values) -> Result<Vec<Self>, Values> {
                match values {
                    Values::$variant(values) => Ok(values),
                    other => Err(other),
                }
            }
        }
    };
}

element!(f32, F32, "<f4", "float32");
element!(f64, F64, "<f8", "float64");
element!(i32, I32, "<i4", "int32");
element!(i64, I64, "<i8", "int64");
element!(u8, U8, "|u1", "uint8");

/// Reads an array of exactly the element type `T`.
///
/// # Errors
/// [`NpyError`]; [`NpyProblem::Dtype`] when the file holds another type.
pub fn read<T: Element>(path: &Path) -> Result<Array<Vec<T>>, NpyError> {
    let array = read_any(path)?;
    match T::unwrap(array.values) {
        Ok(values) => Ok(Array {
            shape: array.shape,
            values,
        }),
        Err(other) => Err(NpyError {
            path: path.to_owned(),
            problem: NpyProblem::Dtype {
                found: other.dtype().to_owned(),
                expected: T::NAME,
            },
        }),
    }
}

/// Reads an array of any of the five element types.
///
/// # Errors
/// [`NpyError`].
pub fn read_any(path: &Path) -> Result<Array<Values>, NpyError> {
    source::open(path)
        .map_err(NpyProblem::Io)
        .and_then(|source| parse(BufReader::new(source.file), source.bytes))
        .map_err(|problem| NpyError {
            path: path.to_owned(),
            problem,
        })
}

/// Reads an array from the `bytes` bytes that `input` holds.
///
/// # Errors
/// [`NpyProblem`].
pub fn parse(mut input: impl Read, bytes: u64) -> Result<Array<Values>, NpyProblem> {
    let (header, header_bytes) = read_header(&mut input)?;
    let values_bytes = bytes.saturating_sub(header_bytes);
    let Header { descr, shape } = Header::parse(&header)?;
    let values = match descr.as_str() {
        "<f4" => read_values::<f32>(&mut input, &shape, values_bytes),
        "<f8" => read_values::<f64>(&mut input, &shape, values_bytes),
        "<i4" => read_values::<i32>(&mut input, &shape, values_bytes),
        "<i8" => read_values::<i64>(&mut input, &shape, values_bytes),
        "|u1" | "<u1" => read_values::<u8>(&mut input, &shape, values_bytes),
        _ => Err(NpyProblem::Dtype {
            found: descr,
            expected: "little-endian float32, float64, int32, int64 or uint8",
        }),
    }?;
    Ok(Array { shape, values })
}

/// Writes an array atomically ([`crate::atomic`]) in format version 1.
///
/// # Errors
/// [`WriteError`]; also when `shape` has not one to three dimensions or its product is not the
/// number of values.
pub fn write<T: Element>(path: &Path, shape: &[usize], values: &[T]) -> Result<(), WriteError> {
    atomic::write(path, |out| write_to(out, shape, values))
}

pub(crate) fn write_to<T: Element>(
    out: &mut dyn Write,
    shape: &[usize],
    values: &[T],
) -> io::Result<()> {
    let elements = shape
        .iter()
        .try_fold(1, |n: usize, len| n.checked_mul(*len));
    if !(1..=DIMENSIONS_MAX).contains(&shape.len()) || elements != Some(values.len()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("shape {shape:?} does not describe {} values", values.len()),
        ));
    }
    write_header(out, &format!("'{}'", T::DESCR), shape)?;
    values.iter().try_for_each(|value| value.write_le(out))
}

/// Writes the header of an array of elements of the type `descr`, a Python expression.
pub(crate) fn write_header(out: &mut dyn Write, descr: &str, shape: &[usize]) -> io::Result<()> {
    let lengths: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let dictionary = format!(
        "{{'descr': {descr}, 'fortran_order': False, 'shape': ({}{comma}), }}",
        lengths.join(", ")
    );
    // Magic, version, length, dictionary and line end together fill blocks of 64 bytes.
    let padded = (10 + dictionary.len() + 1).next_multiple_of(64) - 11;
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0])?;
    out.write_all(&(padded as u16 + 1).to_le_bytes())?;
    writeln!(out, "{dictionary:padded$}")
}

/// Content of a header, with the types of the elements still as text.
pub(crate) struct HeaderText {
    /// NumPy's code of the type; empty for an array with named fields.
    pub(crate) descr: String,
    /// The fields of a record, if they have names.
    pub(crate) fields: Option<Vec<NamedField>>,
    /// True if columns come first.
    pub(crate) fortran_order: bool,
    /// Length of each dimension.
    pub(crate) shape: Vec<usize>,
}

/// A field of a record, or the room between two of them.
pub(crate) struct NamedField {
    /// The name; empty for room.
    pub(crate) name: String,
    /// NumPy's code of the type, and the shape behind it where it has one.
    pub(crate) descr: String,
    /// Its size.
    pub(crate) bytes: usize,
}

/// The header of an array of any type, and where it ends.
pub(crate) fn header_text(mut bytes: &[u8]) -> Result<(HeaderText, usize), NpyProblem> {
    let (header, end) = read_header(&mut bytes)?;
    let malformed = || NpyProblem::Header {
        header: excerpt(&header),
    };
    let text = std::str::from_utf8(&header).map_err(|_| malformed())?;
    let parts = Fields::parse(text).ok_or_else(malformed)?;
    let fields = if parts.descr.starts_with('[') {
        Some(named_fields(parts.descr).ok_or_else(|| NpyProblem::Dtype {
            found: excerpt(parts.descr.as_bytes()),
            expected: "records of plain numbers",
        })?)
    } else {
        None
    };
    let text = HeaderText {
        descr: quoted(parts.descr).unwrap_or_default().to_owned(),
        fields,
        fortran_order: parts.fortran_order == "True",
        shape: tuple(parts.shape).ok_or_else(malformed)?,
    };
    Ok((text, end as usize))
}

/// `[('t', '<i8'), ('', '|V2'), ('x', '<i2', (2,))]`; records in records have no size here.
fn named_fields(descr: &str) -> Option<Vec<NamedField>> {
    let mut rest = descr.strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (field, after) = rest.split_at(value_len(rest)?);
        fields.push(named_field(field.trim())?);
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
    }
    (!fields.is_empty()).then_some(fields)
}

fn named_field(field: &str) -> Option<NamedField> {
    let inside = field.strip_prefix('(')?.strip_suffix(')')?;
    let (name, kind) = inside.split_at(value_len(inside)?);
    // A name may have a title: `('title', 'x')`.
    let name = name.trim();
    let name = match name
        .strip_prefix('(')
        .and_then(|pair| pair.strip_suffix(')'))
    {
        Some(pair) => pair.split_once(',')?.1.trim(),
        None => name,
    };
    let kind = kind.strip_prefix(',')?.trim();
    let (code, shape) = kind.split_at(value_len(kind)?);
    let code = quoted(code.trim())?;
    let shape = shape.trim_start_matches(',').trim();
    let count = match shape {
        "" => 1,
        shape => tuple(shape)?
            .iter()
            .try_fold(1, |n: usize, len| n.checked_mul(*len))?,
    };
    Some(NamedField {
        name: quoted(name)?.to_owned(),
        descr: format!("{code}{shape}"),
        bytes: size(code)?.checked_mul(count)?,
    })
}

/// The size of an element of NumPy's type `descr`, such as `<i8`, `|V2`, `<U5` or `<M8[us]`.
fn size(descr: &str) -> Option<usize> {
    let code = descr.trim_start_matches(['<', '>', '|', '=']);
    let digits = code.get(1..)?.split('[').next()?;
    let bytes: usize = match (code.as_bytes()[0], digits) {
        (b'?', "") => 1,
        (_, digits) => digits.parse().ok()?,
    };
    bytes.checked_mul(if code.starts_with('U') { 4 } else { 1 })
}

/// The dictionary, and the number of bytes up to its end.
fn read_header(input: &mut impl Read) -> Result<(Vec<u8>, u64), NpyProblem> {
    let start = read_up_to(input, MAGIC.len() + 2)?;
    if !start.starts_with(MAGIC) || start.len() < MAGIC.len() + 2 {
        return Err(NpyProblem::Magic { found: start });
    }
    let major = start[MAGIC.len()];
    let length_bytes = match major {
        1 => 2,
        2 | 3 => 4,
        _ => return Err(NpyProblem::Version { major }),
    };
    let length = read_up_to(input, length_bytes)?
        .iter()
        .rev()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    let header = read_up_to(input, length.min(HEADER_MAX))?;
    if header.len() < length || length == 0 {
        return Err(NpyProblem::Header {
            header: excerpt(&header),
        });
    }
    Ok((header, (start.len() + length_bytes + length) as u64))
}

/// At most `bytes` bytes; fewer when the input ends.
fn read_up_to(input: &mut impl Read, bytes: usize) -> io::Result<Vec<u8>> {
    let mut buffer = Vec::new();
    input.take(bytes as u64).read_to_end(&mut buffer)?;
    Ok(buffer)
}

fn excerpt(header: &[u8]) -> String {
    String::from_utf8_lossy(&header[..header.len().min(120)]).into_owned()
}

fn read_values<T: Element>(
    input: &mut impl Read,
    shape: &[usize],
    found: u64,
) -> Result<Values, NpyProblem> {
    let expected = shape
        .iter()
        .try_fold(T::BYTES, |n, len| n.checked_mul(*len))
        .ok_or_else(|| NpyProblem::Shape {
            found: format!("{shape:?}"),
        })?;
    let length = |found| NpyProblem::Length {
        shape: shape.to_vec(),
        expected: expected as u64,
        found,
    };
    if expected as u64 != found {
        return Err(length(found));
    }
    let mut values = Vec::with_capacity(expected / T::BYTES);
    let mut block = vec![0; expected.min(1 << 16)];
    let mut left = expected;
    while left > 0 {
        let block = &mut block[..left.min(1 << 16)];
        // The file shrank while it was read.
        input
            .read_exact(block)
            .map_err(|_| length((expected - left) as u64))?;
        values.extend(block.chunks_exact(T::BYTES).map(T::from_le));
        left -= block.len();
    }
    Ok(T::wrap(values))
}

#[derive(Debug)]
struct Header {
    descr: String,
    shape: Vec<usize>,
}

impl Header {
    fn parse(header: &[u8]) -> Result<Self, NpyProblem> {
        let malformed = || NpyProblem::Header {
            header: excerpt(header),
        };
        let text = std::str::from_utf8(header).map_err(|_| malformed())?;
        let fields = Fields::parse(text).ok_or_else(malformed)?;
        let descr = quoted(fields.descr).ok_or_else(|| NpyProblem::Dtype {
            found: excerpt(fields.descr.as_bytes()),
            expected: "plain numbers",
        })?;
        let shape = tuple(fields.shape)
            .filter(|shape| (1..=DIMENSIONS_MAX).contains(&shape.len()))
            .ok_or_else(|| NpyProblem::Shape {
                found: excerpt(fields.shape.as_bytes()),
            })?;
        match fields.fortran_order {
            // One dimension has only one order.
            "True" if shape.len() > 1 => Err(NpyProblem::FortranOrder),
            "True" | "False" => Ok(Self {
                descr: descr.to_owned(),
                shape,
            }),
            _ => Err(malformed()),
        }
    }
}

/// The texts of the three values of the dictionary.
struct Fields<'a> {
    descr: &'a str,
    fortran_order: &'a str,
    shape: &'a str,
}

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, value) = rest.split_once(':')?;
            let (value, after) = value.trim_start().split_at(value_len(value.trim_start())?);
            let slot = match quoted(key.trim())? {
                "descr" => &mut descr,
                "fortran_order" => &mut fortran_order,
                "shape" => &mut shape,
                _ => return None,
            };
            if slot.replace(value.trim_end()).is_some() {
                return None;
            }
            rest = after.strip_prefix(',').unwrap_or(after).trim_start();
        }
        Some(Self {
            descr: descr?,
            fortran_order: fortran_order?,
            shape: shape?,
        })
    }
}

/// Length of a value: up to the first comma outside quotes and brackets, or to the end.
fn value_len(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0usize, None);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) => quote = Some(open).filter(|open| *open != byte),
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(' | b'[') => depth += 1,
            (None, b')' | b']') => depth = depth.checked_sub(1)?,
            (None, b',') if depth == 0 => return Some(at),
            (None, _) => {}
        }
    }
    (depth == 0 && quote.is_none()).then_some(text.len())
}

fn quoted(text: &str) -> Option<&str> {
    let mark = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text.strip_prefix(mark)?.strip_suffix(mark)
}

fn tuple(text: &str) -> Option<Vec<usize>> {
    let inside = text.strip_prefix('(')?.strip_suffix(')')?.trim();
    if inside.is_empty() {
        return Some(Vec::new());
    }
    let inside = inside.strip_suffix(',').unwrap_or(inside);
    inside
        .split(',')
        .map(|len| len.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests;
