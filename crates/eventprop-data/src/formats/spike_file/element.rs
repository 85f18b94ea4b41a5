//! The numbers of which lists and tables are made.

use half::f16;
use rust_hdf5::{ByteOrder, DatatypeMessage};

/// An IEEE float of 2, 4 or 8 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Float {
    pub(crate) bytes: u8,
    order: ByteOrder,
}

/// An integer of 1 to 8 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Integer {
    pub(crate) bytes: u8,
    signed: bool,
    order: ByteOrder,
}

/// The bytes of an element as a little-endian number of eight bytes.
fn widened(bytes: &[u8], order: ByteOrder) -> u64 {
    let mut wide = [0; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    if order == ByteOrder::BigEndian {
        wide[..bytes.len()].reverse();
    }
    u64::from_le_bytes(wide)
}

impl Float {
    pub(crate) fn of(datatype: &DatatypeMessage) -> Option<Self> {
        // Sign, exponent and mantissa where IEEE 754 has them; then the size says all.
        match *datatype {
            DatatypeMessage::FloatingPoint {
                size,
                byte_order: order,
                sign_location,
                bit_offset: 0,
                bit_precision,
                exponent_location,
                exponent_size,
                mantissa_location: 0,
                mantissa_size,
                exponent_bias,
            } => {
                let layout = (exponent_size, mantissa_size, exponent_bias);
                let ieee = match size {
                    2 => layout == (5, 10, 15),
                    4 => layout == (8, 23, 127),
                    8 => layout == (11, 52, 1023),
                    _ => false,
                };
                let placed = u32::from(bit_precision) / 8 == size
                    && exponent_location == mantissa_size
                    && u16::from(sign_location) + 1 == bit_precision;
                (ieee && placed).then_some(Self {
                    bytes: size as u8,
                    order,
                })
            }
            _ => None,
        }
    }

    pub(crate) fn decode(self, bytes: &[u8], values: &mut Vec<f64>) {
        values.clear();
        let elements = bytes.chunks_exact(usize::from(self.bytes));
        let elements = elements.map(|element| widened(element, self.order));
        match self.bytes {
            2 => values.extend(elements.map(|bits| f16::from_bits(bits as u16).to_f64())),
            4 => values.extend(elements.map(|bits| f64::from(f32::from_bits(bits as u32)))),
            _ => values.extend(elements.map(f64::from_bits)),
        }
    }
}

impl Integer {
    pub(crate) fn of(datatype: &DatatypeMessage) -> Option<Self> {
        match *datatype {
            DatatypeMessage::FixedPoint {
                size: size @ (1 | 2 | 4 | 8),
                byte_order: order,
                signed,
                bit_offset: 0,
                bit_precision,
            } if u32::from(bit_precision) == 8 * size => Some(Self {
                bytes: size as u8,
                signed,
                order,
            }),
            _ => None,
        }
    }

    pub(crate) fn decode(self, bytes: &[u8], values: &mut Vec<i64>) {
        values.clear();
        let elements = bytes.chunks_exact(usize::from(self.bytes));
        let elements = elements.map(|element| widened(element, self.order));
        let unused = 64 - 8 * u32::from(self.bytes);
        if self.signed {
            values.extend(elements.map(|bits| (bits << unused) as i64 >> unused));
        } else {
            values.extend(elements.map(|bits| i64::try_from(bits).unwrap_or(i64::MAX)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_byte_order_and_every_sign_is_widened() {
        let mut values = Vec::new();
        let mut integer = Integer {
            bytes: 2,
            signed: true,
            order: ByteOrder::BigEndian,
        };
        integer.decode(&[0xff, 0xfe, 0x01, 0x02], &mut values);
        assert_eq!(values, [-2, 0x102]);
        integer.signed = false;
        integer.decode(&[0xff, 0xfe], &mut values);
        assert_eq!(values, [0xfffe]);
        let float = Float {
            bytes: 2,
            order: ByteOrder::LittleEndian,
        };
        let mut values = Vec::new();
        float.decode(&[0x00, 0x3c, 0x00, 0xc0], &mut values);
        assert_eq!(values, [1.0, -2.0]);
    }
}
