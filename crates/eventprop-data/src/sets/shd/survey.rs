//! Survey of a spike file: samples, classes, speakers, lengths, and whatever is odd. Nothing is
//! refused; what a reader would refuse is counted.

use std::path::{Path, PathBuf};

use super::{CHANNELS, SYNTHETIC};
use crate::formats::spike_file::{SpikeFile, SpikeFileError, Spikes};

/// Survey of a spike file.
#[derive(Debug, Clone, PartialEq)]
pub struct Survey {
    /// The file.
    pub path: PathBuf,
    /// Number of samples of each class, up to the highest class or the last word.
    pub class_counts: Vec<usize>,
    /// The words of the classes, if the file has them.
    pub keys: Vec<String>,
    /// The speakers and how many samples each has, ascending, if the file has them.
    pub speakers: Option<Vec<(u16, usize)>>,
    /// Spikes of a sample.
    pub spikes: Percentiles,
    /// Time of the last spike of a sample in s, of the samples that have one that is finite.
    pub last_spike_s: Percentiles,
    /// The highest channel of a spike.
    pub highest_unit: Option<i64>,
    /// Oddities.
    pub oddities: Oddities,
    /// Description in a synthetic file.
    pub synthetic: Option<String>,
}

impl Survey {
    /// Number of samples.
    pub fn samples(&self) -> usize {
        self.class_counts.iter().sum()
    }
}

/// Distribution of a quantity over samples; all zero without samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Percentiles {
    /// Number of samples.
    pub samples: usize,
    /// The least.
    pub min: f64,
    /// 5th percentile.
    pub p5: f64,
    /// Median.
    pub median: f64,
    /// 95th percentile.
    pub p95: f64,
    /// The greatest.
    pub max: f64,
    /// The mean.
    pub mean: f64,
}

impl Percentiles {
    /// Of values that are no NaN, by the nearest rank.
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (values.first(), values.last()) else {
            return Self::default();
        };
        // The nearest rank: the least value that at least so many per cent do not exceed.
        let at = |percent: usize| values[(values.len() * percent).div_ceil(100).max(1) - 1];
        Self {
            samples: values.len(),
            min,
            p5: at(5),
            median: at(50),
            p95: at(95),
            max,
            mean: values.iter().sum::<f64>() / values.len() as f64,
        }
    }
}

/// Oddities of a file. Only unsorted and empty samples can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oddities {
    /// Spikes whose time is NaN or infinite.
    pub not_finite: u64,
    /// Spikes whose time is negative.
    pub negative: u64,
    /// Spikes on a channel below 0.
    pub below: u64,
    /// Spikes on a channel from [`CHANNELS`] on, which SHD and SSC do not have.
    pub above: u64,
    /// Samples whose times are not in order.
    pub unsorted: u64,
    /// Samples without spikes.
    pub empty: u64,
}

/// Contribution of one sample.
struct Seen {
    spikes: usize,
    last_s: Option<f64>,
    highest: Option<i64>,
    odd: Oddities,
}

/// Looks through a file.
///
/// Cost: the file is read once.
///
/// # Errors
/// [`SpikeFileError`], when it cannot be read at all.
pub fn survey(path: &Path) -> Result<Survey, SpikeFileError> {
    let file = SpikeFile::open(path)?;
    let mut spikes = Vec::with_capacity(file.len());
    let mut last_s = Vec::with_capacity(file.len());
    let mut highest_unit = None;
    let mut oddities = Oddities::default();
    file.for_each(
        |_, spikes| Ok::<_, SpikeFileError>(look(spikes)),
        |_, seen| {
            spikes.push(seen.spikes as f64);
            last_s.extend(seen.last_s);
            highest_unit = highest_unit.max(seen.highest);
            oddities.not_finite += seen.odd.not_finite;
            oddities.negative += seen.odd.negative;
            oddities.below += seen.odd.below;
            oddities.above += seen.odd.above;
            oddities.unsorted += seen.odd.unsorted;
            oddities.empty += seen.odd.empty;
        },
    )?;
    let says = file.attributes().iter().find(|(name, _)| name == SYNTHETIC);
    Ok(Survey {
        path: path.to_owned(),
        class_counts: class_counts(&file),
        keys: file.keys().to_vec(),
        speakers: file.speakers().map(counted),
        spikes: Percentiles::of(spikes),
        last_spike_s: Percentiles::of(last_s),
        highest_unit,
        oddities,
        synthetic: says.map(|(_, text)| text.clone()),
    })
}

fn look(spikes: &Spikes) -> Seen {
    let Spikes { times_s, units } = spikes;
    let times = |odd: fn(&f64) -> bool| times_s.iter().filter(|t| odd(t)).count() as u64;
    let channels = |odd: fn(&i64) -> bool| units.iter().filter(|u| odd(u)).count() as u64;
    let finite = times_s.iter().copied().filter(|t| t.is_finite());
    Seen {
        spikes: units.len(),
        last_s: finite.max_by(f64::total_cmp),
        highest: units.iter().copied().max(),
        odd: Oddities {
            not_finite: times(|t| !t.is_finite()),
            negative: times(|t| *t < 0.0),
            below: channels(|u| *u < 0),
            above: channels(|u| *u >= i64::from(CHANNELS)),
            unsorted: u64::from(!times_s.is_sorted_by(|a, b| a <= b || a.is_nan() || b.is_nan())),
            empty: u64::from(units.is_empty()),
        },
    }
}

fn class_counts(file: &SpikeFile) -> Vec<usize> {
    let mut counts = vec![0; file.keys().len()];
    for &label in file.labels() {
        let label = usize::from(label);
        if label >= counts.len() {
            counts.resize(label + 1, 0);
        }
        counts[label] += 1;
    }
    counts
}

fn counted(speakers: &[u16]) -> Vec<(u16, usize)> {
    let mut speakers = speakers.to_vec();
    speakers.sort_unstable();
    let same = speakers.chunk_by(|a, b| a == b);
    same.map(|run| (run[0], run.len())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_nearest_rank() {
        let values = (1..=200).rev().map(f64::from).collect();
        let found = Percentiles::of(values);
        let expected = Percentiles {
            samples: 200,
            min: 1.0,
            p5: 10.0,
            median: 100.0,
            p95: 190.0,
            max: 200.0,
            mean: 100.5,
        };
        assert_eq!(found, expected);
        assert_eq!(Percentiles::of(vec![7.0]).p5, 7.0);
        assert_eq!(Percentiles::of(vec![]), Percentiles::default());
    }

    #[test]
    fn oddities_are_counted() {
        let seen = look(&Spikes {
            times_s: vec![0.5, f64::NAN, 0.25, f64::INFINITY, -1.0],
            units: vec![-1, 700, 0, 699, i64::MAX],
        });
        let expected = Oddities {
            not_finite: 2,
            negative: 1,
            below: 1,
            above: 2,
            unsorted: 1,
            empty: 0,
        };
        assert_eq!(seen.odd, expected);
        assert_eq!((seen.spikes, seen.last_s), (5, Some(0.5)));
        assert_eq!(seen.highest, Some(i64::MAX));
        let empty = look(&Spikes::default());
        assert_eq!(
            (empty.last_s, empty.highest, empty.odd.empty),
            (None, None, 1)
        );
        assert_eq!(empty.odd.unsorted, 0);
    }

    #[test]
    fn speakers_are_counted_in_order() {
        assert_eq!(counted(&[3, 1, 3, 0]), [(0, 1), (1, 1), (3, 2)]);
    }
}
