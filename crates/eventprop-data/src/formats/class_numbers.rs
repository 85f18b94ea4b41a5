//! Classes and speakers of samples as people store them: one whole number for each sample, in any type of number
//! (MATLAB writes double, masks are booleans), in a row or a column.

use thiserror::Error;

/// Numbers that are no classes.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ClassNumbersError {
    /// Not one for each sample.
    #[error(
        "has shape {shape:?}; expected one whole number for each sample, in a row or a column (of rows with a single 1 \
         take its place)"
    )]
    Shape {
        /// The shape.
        shape: Vec<usize>,
    },
    /// A number that is none.
    #[error("of sample {sample} is {found}; expected a whole number from 0 to 65535")]
    Number {
        /// The sample.
        sample: usize,
        /// The number.
        found: f64,
    },
}

/// The numbers of the samples from an array `[n]`, `[n, 1]` or `[1, n]`.
pub(crate) fn class_numbers(
    shape: &[usize],
    values: &[f64],
) -> Result<Vec<u16>, ClassNumbersError> {
    if !matches!(shape, [_] | [_, 1] | [1, _]) {
        return Err(ClassNumbersError::Shape {
            shape: shape.to_vec(),
        });
    }
    let number = |(sample, &found): (usize, &f64)| {
        let fits = found.fract() == 0.0 && (0.0..=f64::from(u16::MAX)).contains(&found);
        let wrong = ClassNumbersError::Number { sample, found };
        fits.then_some(found as u16).ok_or(wrong)
    };
    values.iter().enumerate().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_of_whole_numbers_are_classes() {
        for shape in [&[3][..], &[3, 1], &[1, 3]] {
            assert_eq!(
                class_numbers(shape, &[0.0, 65_535.0, 1.0]),
                Ok(vec![0, 65_535, 1])
            );
        }
        let refused = |shape: &[usize], values: &[f64]| {
            let error = class_numbers(shape, values).unwrap_err();
            error.to_string()
        };
        assert!(refused(&[2, 2], &[0.0, 1.0, 1.0, 0.0]).contains("shape [2, 2]"));
        for wrong in [0.5, -1.0, 65_536.0, f64::NAN] {
            let text = refused(&[2], &[0.0, wrong]);
            assert!(text.contains(&format!("sample 1 is {wrong}")), "{text}");
        }
    }
}
