use super::*;
use crate::binned::Repeats;
use crate::sets::shd::survey::survey;
use crate::sets::shd::{Request, read_binned};

const BINNING: Binning = Binning {
    dt_ms: 1.0,
    steps: 1400,
    inputs: CHANNELS,
    rescale_t: 1.0,
    rescale_x: 1.0,
    repeats: Repeats::Merge,
};

fn small() -> ShdLike {
    ShdLike {
        train: 600,
        test: 400,
        ..ShdLike::default()
    }
}

/// Makes features of the spikes of a sample.
type Feature<'a> = dyn Fn(&[(u32, u16)]) -> Vec<f64> + 'a;

/// Features of every sample, its class, and how many classes there are.
struct Table {
    features: Vec<Vec<f64>>,
    labels: Vec<usize>,
    classes: usize,
}

impl Table {
    fn of(set: &BinnedSet, feature: impl Fn(&[(u32, u16)]) -> Vec<f64>) -> Self {
        let features = (0..set.len()).map(|sample| {
            let mut spikes = Vec::new();
            set.for_each_spike(sample, |step, channel| spikes.push((step, channel)));
            feature(&spikes)
        });
        Self {
            features: features.collect(),
            labels: set
                .labels()
                .iter()
                .map(|&label| usize::from(label))
                .collect(),
            classes: set.classes() as usize,
        }
    }

    fn means(&self) -> Vec<Vec<f64>> {
        let mut means = vec![vec![0.0; self.features[0].len()]; self.classes];
        let mut counts = vec![0.0; self.classes];
        for (features, &label) in self.features.iter().zip(&self.labels) {
            counts[label] += 1.0;
            for (mean, value) in means[label].iter_mut().zip(features) {
                *mean += (value - *mean) / counts[label];
            }
        }
        means
    }

    /// The class whose mean is nearest, among those that `may` be it, of every sample.
    fn nearest(&self, means: &[Vec<f64>], may: impl Fn(usize, usize) -> bool) -> Vec<usize> {
        let distance = |features: &[f64], mean: &[f64]| -> f64 {
            features
                .iter()
                .zip(mean)
                .map(|(a, b)| (a - b) * (a - b))
                .sum()
        };
        let nearest = |(features, &label): (&Vec<f64>, &usize)| {
            let candidates = (0..means.len()).filter(|&class| may(label, class));
            let near = |a: &usize, b: &usize| {
                distance(features, &means[*a]).total_cmp(&distance(features, &means[*b]))
            };
            candidates.min_by(near).unwrap()
        };
        self.features
            .iter()
            .zip(&self.labels)
            .map(nearest)
            .collect()
    }

    fn share(&self, found: &[usize], right: impl Fn(usize, usize) -> bool) -> f64 {
        let right = self
            .labels
            .iter()
            .zip(found)
            .filter(|(a, b)| right(**a, **b));
        right.count() as f64 / self.labels.len() as f64
    }
}

fn counts(spikes: &[(u32, u16)]) -> Vec<f64> {
    let mut counts = vec![0.0; CHANNELS as usize];
    for &(_, channel) in spikes {
        counts[usize::from(channel)] += 1.0;
    }
    counts
}

/// The mean time of the spikes in every 20 channels, less that of all, in units of the length.
fn mean_times(spikes: &[(u32, u16)]) -> Vec<f64> {
    const WIDTH: usize = 20;
    let length = f64::from(spikes.last().map_or(1, |spike| spike.0.max(1)));
    let all = spikes.iter().map(|spike| f64::from(spike.0)).sum::<f64>() / spikes.len() as f64;
    let mut sums = vec![(0.0, 0.0); CHANNELS as usize / WIDTH];
    for &(step, channel) in spikes {
        let sum = &mut sums[usize::from(channel) / WIDTH];
        *sum = (sum.0 + 1.0, sum.1 + (f64::from(step) - all) / length);
    }
    sums.iter()
        .map(|(n, sum)| sum / f64::max(*n, 1.0))
        .collect()
}

/// How often channels spike does not tell the classes apart, nor do the total and the length; when they
/// do does, both the orders and, between two words of one order, the directions.
#[test]
fn classes_differ_in_time_only() {
    let train = small().binned(Split::Train, &BINNING).unwrap();
    let test = small().binned(Split::Test, &BINNING).unwrap();
    let tables = |feature: &Feature<'_>| {
        (
            Table::of(&train, feature).means(),
            Table::of(&test, feature),
        )
    };
    let any = |_, _| true;
    let (means, table) = tables(&counts);
    let by_counts = table.share(&table.nearest(&means, any), |a, b| a == b);
    let total = |spikes: &[(u32, u16)]| {
        let last = spikes.last().map_or(0, |spike| spike.0);
        vec![spikes.len() as f64 / 8000.0, f64::from(last) / 700.0]
    };
    let (means, table) = tables(&total);
    let by_total = table.share(&table.nearest(&means, any), |a, b| a == b);
    // Guessing is right 1 time in 20, with a standard deviation of √(p (1 − p) / n); the bound is four.
    let chance = 1.0 / 20.0;
    let bound = chance + 4.0 * f64::sqrt(chance * (1.0 - chance) / test.len() as f64);
    assert!(
        by_counts < bound && by_total < bound,
        "{by_counts} {by_total} {bound}"
    );

    let (means, table) = tables(&mean_times);
    let found = table.nearest(&means, any);
    let by_times = table.share(&found, |a, b| a == b);
    let orders = table.share(&found, |a, b| a / 2 == b / 2);
    let twins = table.nearest(&means, |label, class| label / 2 == class / 2);
    let directions = table.share(&twins, |a, b| a == b);
    // Ten times what guessing gives, and for directions, of which there are two, half way to all.
    assert!(
        by_times > 0.5 && orders > 0.8 && directions > 0.75,
        "{by_times} {orders} {directions}"
    );
}

#[test]
fn words_have_every_sound_once_and_no_two_are_the_same() {
    for classes in [1, 2, 3, 20, 35, CLASSES_MAX] {
        let words = words(classes);
        assert_eq!(words.len(), usize::from(classes));
        for (n, word) in words.iter().enumerate() {
            let mut units = word.order;
            units.sort_unstable();
            assert_eq!(units, [0, 1, 2, 3, 4, 5]);
            assert_eq!(word.upwards.iter().filter(|up| **up).count(), UNITS / 2);
            assert!(words[..n].iter().all(|other| other != word), "{n}");
        }
    }
    // Of 20 classes no two orders are nearer than four swaps of neighbours.
    let words = words(20);
    for (n, word) in words.iter().enumerate() {
        for other in &words[..n / 2 * 2] {
            assert!(swaps(&word.order, &other.order) >= 4);
        }
    }
}

/// The written files are found like SHD, are called synthetic, have its shape, and are the set that is
/// made in memory.
#[test]
fn written_and_made_are_the_same_and_have_the_shape_of_shd() {
    let folder = tempfile::tempdir().unwrap();
    let settings = ShdLike {
        train: 300,
        test: 200,
        ..ShdLike::default()
    };
    let mut told = Vec::new();
    let paths = settings
        .write(folder.path(), &mut |done, of| told.push((done, of)))
        .unwrap();
    assert_eq!((told.len(), told.last()), (500, Some(&(500, 500))));
    for (split, samples) in [(Split::Train, 300), (Split::Test, 200)] {
        let request = Request {
            corpus: Corpus::Shd,
            split,
            binning: BINNING,
            cache: None,
        };
        let loaded = read_binned(&[folder.path()], &request).unwrap();
        assert_eq!(loaded.set, settings.binned(split, &BINNING).unwrap());
        assert_eq!(loaded.set.len(), samples);
        assert!(loaded.synthetic.unwrap().contains("no recording of speech"));
        assert!(
            loaded.notices[0].contains("is synthetic"),
            "{:?}",
            loaded.notices
        );
        assert_eq!(
            (
                loaded.counts.cut_off,
                loaded.counts.empty,
                loaded.counts.unsorted
            ),
            (0, 0, 0)
        );
        assert_eq!(loaded.set.class_names[19], "pattern 19");
        // All 8156 samples of SHD's training part stay below 400 MB.
        assert!(loaded.set.bytes() / samples * 8156 < 400_000_000);
    }
    let train = survey(&paths[0]).unwrap();
    let test = survey(&paths[1]).unwrap();
    assert_eq!(train.class_counts, [15; 20]);
    let ids = |speakers: Option<Vec<(u16, usize)>>| -> Vec<u16> {
        speakers.unwrap().iter().map(|(id, _)| *id).collect()
    };
    assert_eq!(ids(train.speakers), [0, 1, 2, 3, 6, 7, 8, 9, 10, 11]);
    let new = |id: &u16| (4..6).contains(id);
    let test_speakers = test.speakers.unwrap();
    let of_new: usize = test_speakers
        .iter()
        .filter(|(id, _)| new(id))
        .map(|(_, n)| n)
        .sum();
    // Four in five of 200: 160 with a standard deviation of 5.7; the bounds are four.
    assert!((137..=183).contains(&of_new), "{of_new}");
    // SHD has a mean of 7,800 to 8,240 spikes and none later than 1.367 s.
    assert!(
        (7500.0..9000.0).contains(&train.spikes.mean),
        "{:?}",
        train.spikes
    );
    assert!(
        train.last_spike_s.min > 0.3 && train.last_spike_s.max < 1.367,
        "{:?}",
        train.last_spike_s
    );
    assert_eq!(
        train.oddities,
        crate::sets::shd::survey::Oddities::default()
    );
}

#[test]
fn threads_do_not_matter_and_seeds_do() {
    let settings = ShdLike {
        train: 30,
        test: 0,
        ..ShdLike::default()
    };
    let made = |threads, settings: ShdLike| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| settings.binned(Split::Train, &BINNING).unwrap())
    };
    assert_eq!(made(1, settings), made(3, settings));
    assert_ne!(
        made(1, settings),
        made(
            1,
            ShdLike {
                seed: 2,
                ..settings
            }
        )
    );
    assert!(settings.binned(Split::Test, &BINNING).unwrap().is_empty());
}

#[test]
fn what_cannot_be_made_is_named_and_recordings_are_left_alone() {
    let message = |settings: ShdLike| {
        settings
            .binned(Split::Train, &BINNING)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        message(ShdLike {
            classes: 0,
            ..small()
        }),
        "0 classes; expected 1 to 200"
    );
    assert_eq!(
        message(ShdLike {
            speakers: 1001,
            ..small()
        }),
        "1001 speakers; expected 1 to 1000"
    );
    let narrow = Binning {
        inputs: 300,
        ..BINNING
    };
    let error = small()
        .binned(Split::Train, &narrow)
        .unwrap_err()
        .to_string();
    assert!(error.contains("there are 300"), "{error}");
    assert!(matches!(
        small().binned(Split::Valid, &BINNING),
        Err(SyntheticError::Split)
    ));
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("shd_test.h5");
    fs::write(&mine, "mine").unwrap();
    let error = small().write(folder.path(), &mut |_, _| ()).unwrap_err();
    assert!(matches!(error, SyntheticError::InTheWay { .. }), "{error}");
    assert_eq!(fs::read(&mine).unwrap(), b"mine");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_speakers_of_the_test_part() {
    let ranges: Vec<Range<u16>> = [1, 2, 3, 4, 5, 6, 12].map(test_speakers).into();
    assert_eq!(ranges, [0..0, 1..2, 2..3, 2..4, 3..5, 4..6, 4..6]);
}
