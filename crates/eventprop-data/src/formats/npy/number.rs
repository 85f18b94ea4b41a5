//! The number types of NumPy in files: whole numbers and floats of any size and byte order, booleans.

use eventprop::time_noise::TimeNoise;
use half::f16;

/// The number types that are read.
pub(crate) const READ: &str =
    "whole numbers of 1 to 8 bytes, floats of 2, 4 or 8 bytes and booleans";

/// A number type of NumPy.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// `i`
    Signed,
    /// `u`
    Unsigned,
    /// `f`
    Float,
    /// `?`
    Bool,
}

/// Place of a field in a record, and its type.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    pub(crate) kind: Kind,
    /// Its size.
    pub(crate) bytes: usize,
    pub(crate) big_endian: bool,
    /// Its first byte.
    pub(crate) offset: usize,
}

impl Field {
    /// A field of NumPy's type `descr`, such as `<i8`.
    pub(crate) fn new(descr: &str, offset: usize) -> Option<Self> {
        let mut letters = descr.chars();
        let order = letters.next()?;
        let (order, kind) = match order {
            '<' | '>' | '|' | '=' => (order, letters.next()?),
            kind => ('|', kind),
        };
        let bytes = letters.as_str();
        let (kind, bytes) = match kind {
            '?' => (Kind::Bool, 1),
            'b' if bytes == "1" => (Kind::Bool, 1),
            'i' => (Kind::Signed, bytes.parse().ok()?),
            'u' => (Kind::Unsigned, bytes.parse().ok()?),
            'f' => (Kind::Float, bytes.parse().ok()?),
            _ => return None,
        };
        let whole = matches!(kind, Kind::Signed | Kind::Unsigned) && [1, 2, 4, 8].contains(&bytes);
        let float = kind == Kind::Float && [2, 4, 8].contains(&bytes);
        (kind == Kind::Bool || whole || float).then_some(Self {
            kind,
            bytes,
            big_endian: order == '>',
            offset,
        })
    }

    /// Noise of times that are such numbers.
    pub(crate) fn time_noise(&self) -> TimeNoise {
        match (self.kind, self.bytes) {
            (Kind::Float, 2) => TimeNoise::F16,
            (Kind::Float, 4) => TimeNoise::F32,
            _ => TimeNoise::F64,
        }
    }

    /// A field of another type, which is not read.
    pub(crate) fn unread(offset: usize) -> Self {
        Self {
            kind: Kind::Bool,
            bytes: 0,
            big_endian: false,
            offset,
        }
    }

    /// The bytes as a little-endian word.
    fn word(&self, record: &[u8]) -> u64 {
        let raw = &record[self.offset..self.offset + self.bytes];
        let mut word = [0; 8];
        for (n, byte) in raw.iter().enumerate() {
            let place = if self.big_endian {
                self.bytes - 1 - n
            } else {
                n
            };
            word[place] = *byte;
        }
        u64::from_le_bytes(word)
    }

    /// A whole number; `None` for one that does not fit or has a fraction.
    pub(crate) fn whole(&self, record: &[u8]) -> Option<i64> {
        let word = self.word(record);
        let unused = 64 - 8 * self.bytes as u32;
        match self.kind {
            Kind::Signed => Some((word << unused).cast_signed() >> unused),
            Kind::Unsigned => i64::try_from(word).ok(),
            Kind::Bool => Some(i64::from(word != 0)),
            Kind::Float => {
                let value = self.float(record);
                (value.fract() == 0.0 && value.abs() < 2f64.powi(53)).then_some(value as i64)
            }
        }
    }

    /// The number; NaN for a whole number that does not fit.
    pub(crate) fn float(&self, record: &[u8]) -> f64 {
        let word = self.word(record);
        match (self.kind, self.bytes) {
            (Kind::Float, 2) => f16::from_bits(word as u16).to_f64(),
            (Kind::Float, 4) => f64::from(f32::from_bits(word as u32)),
            (Kind::Float, _) => f64::from_bits(word),
            _ => self.whole(record).map_or(f64::NAN, |whole| whole as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_by_hand() {
        let cases: [(&str, &[u8], f64); 12] = [
            ("<f2", &[0, 0x3e], 1.5),
            (">f2", &[0xc0, 0], -2.0),
            ("|u1", &[200], 200.0),
            ("<i1", &[0xff], -1.0),
            ("<u2", &[1, 2], 513.0),
            (">u2", &[1, 2], 258.0),
            ("<i2", &[0xfe, 0xff], -2.0),
            (">i4", &[0xff, 0xff, 0xff, 0xfd], -3.0),
            ("<f4", &[0, 0, 0xc0, 0x3f], 1.5),
            (">f8", &[0xbf, 0xf8, 0, 0, 0, 0, 0, 0], -1.5),
            ("?", &[1], 1.0),
            ("|b1", &[0], 0.0),
        ];
        for (descr, bytes, expected) in cases {
            let field = Field::new(descr, 0).unwrap();
            assert_eq!(field.bytes, bytes.len(), "{descr}");
            assert_eq!(field.float(bytes), expected, "{descr}");
        }
        for bad in [
            "",
            "<",
            "<i3",
            "<f16",
            "<M8[us]",
            "<U5",
            "|S3",
            "<c8",
            "O",
            "<f",
            "<i99999999999999999999",
        ] {
            assert!(Field::new(bad, 0).is_none(), "{bad}");
        }
    }

    #[test]
    fn whole_numbers_that_do_not_fit() {
        let wide = Field::new("<u8", 0).unwrap();
        assert_eq!(wide.whole(&[0xff; 8]), None);
        let float = Field::new("<f8", 0).unwrap();
        assert_eq!(float.whole(&2.0f64.to_le_bytes()), Some(2));
        assert_eq!(float.whole(&2.5f64.to_le_bytes()), None);
        assert_eq!(float.whole(&f64::NAN.to_le_bytes()), None);
    }
}
