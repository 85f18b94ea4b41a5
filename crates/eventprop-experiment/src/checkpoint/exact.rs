//! Numbers in JSON to the last bit, and those that JSON lacks: for `#[serde(with = "exact")]`.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// A number, or one of the words `NaN`, `inf` and `-inf`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(f64),
    Word(String),
}

/// Writes a number.
///
/// # Errors
/// Those of the serializer.
// The signature is that of serde.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() {
        serializer.serialize_f64(*number)
    } else {
        serializer.serialize_str(&number.to_string())
    }
}

/// Reads a number.
///
/// # Errors
/// Those of the deserializer, and when a word is no number.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    match Written::deserialize(deserializer)? {
        Written::Number(number) => Ok(number),
        Written::Word(word) => word
            .parse()
            .map_err(|_| D::Error::custom(format!("{word:?} is no number"))),
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize)]
    struct Number(#[serde(with = "super")] f64);

    #[test]
    fn every_number_comes_back() {
        let third = 1.0 / 3.0;
        for number in [
            0.0,
            -0.0,
            third,
            f64::MAX,
            5e-324,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            let text = serde_json::to_string(&Number(number)).expect("JSON");
            let read: Number = serde_json::from_str(&text).expect(&text);
            assert_eq!(read.0.to_bits(), number.to_bits(), "{text}");
        }
        let text = serde_json::to_string(&Number(f64::NAN)).expect("JSON");
        let read: Number = serde_json::from_str(&text).expect(&text);
        assert!(read.0.is_nan());
        assert!(serde_json::from_str::<Number>("\"three\"").is_err());
    }
}
