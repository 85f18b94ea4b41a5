//! The softmax of a few numbers, in place.

/// `[L1]` Replaces z by p_j = e^{z_j} / Σ e^{z}, and returns −log p_label; with the part `smoothing` of the label shared
/// out among all classes `[L12]`.
///
/// The largest z is subtracted first, so nothing overflows; the logarithm is taken of the sum, not of
/// p, so the loss stays finite when p_label underflows.
pub(super) fn cross_entropy(z: &mut [f64], label: usize, smoothing: f64) -> f64 {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut label_below_largest = largest - z[label];
    if smoothing > 0.0 {
        let below = z.iter().map(|z| largest - z).sum::<f64>() / z.len() as f64;
        label_below_largest = (1.0 - smoothing) * label_below_largest + smoothing * below;
    }
    let mut sum = 0.0;
    for value in z.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    for value in z.iter_mut() {
        *value /= sum;
    }
    label_below_largest + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::cross_entropy;

    #[test]
    fn softmax_of_known_numbers() {
        let mut z = [0.0, 2.0_f64.ln(), 5.0_f64.ln()];
        let loss = cross_entropy(&mut z, 1, 0.0);
        for (p, expected) in z.iter().zip([1.0 / 8.0, 2.0 / 8.0, 5.0 / 8.0]) {
            assert!((p - expected).abs() < 4.0 * f64::EPSILON);
        }
        assert!((loss - 4.0_f64.ln()).abs() < 8.0 * f64::EPSILON);
    }

    /// `[L12]` −0.7 log(2/8) − 0.1 (log(1/8) + log(2/8) + log(5/8)).
    #[test]
    fn a_smoothed_label_counts_for_all_classes() {
        let mut z = [0.0, 2.0_f64.ln(), 5.0_f64.ln()];
        let loss = cross_entropy(&mut z, 1, 0.3);
        let each = [1.0 / 8.0, 2.0 / 8.0, 5.0 / 8.0_f64].map(f64::ln);
        let expected = -0.7 * each[1] - 0.1 * each.iter().sum::<f64>();
        assert!((loss - expected).abs() < 16.0 * f64::EPSILON);
    }

    #[test]
    fn softmax_survives_huge_differences() {
        let mut z = [1e4, 0.0];
        assert_eq!(cross_entropy(&mut z, 1, 0.0), 1e4);
        assert_eq!(z, [1.0, 0.0]);
    }
}
