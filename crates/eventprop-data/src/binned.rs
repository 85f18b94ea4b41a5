//! Samples as spikes on a grid of steps. Several spikes of a channel in one step count each, or, as the
//! published benchmarks have it, once ([`Repeats`]).
//!
//! A sample is kept as its channels in the order of (step, channel), two bytes each, and one short entry
//! for every step in which anything happens: the SHD training set takes some 180 MB.

mod stored;

use eventprop::time_noise::TimeNoise;
use thiserror::Error;

/// A spike that cannot be put on the grid.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum BinError {
    /// A time that is NaN, infinite or negative.
    #[error("a spike has the time {time_ms} ms; times must be finite and not negative")]
    Time {
        /// The time.
        time_ms: f64,
    },
    /// A channel that is not there.
    #[error("a spike is on channel {channel}; there are {inputs} (0 to {})", inputs - 1)]
    Channel {
        /// The channel.
        channel: u32,
        /// Number of channels.
        inputs: u32,
    },
}

/// Grid of a set: times and channels become steps and inputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Binning {
    /// Length of a step in ms (`DT_MS`).
    pub dt_ms: f64,
    /// Steps of a trial; later spikes are cut off.
    pub steps: u32,
    /// Channels of the recording, and inputs of the network.
    pub inputs: u32,
    /// Times are multiplied by this first (`RESCALE_T`).
    pub rescale_t: f64,
    /// Channels are multiplied by this and rounded down (`RESCALE_X`).
    pub rescale_x: f64,
    /// Treatment of several spikes of a channel in one step (`MERGE_SPIKES`).
    pub repeats: Repeats,
}

/// Treatment of several spikes of a channel in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// Each counts, as on the event solver.
    Count,
    /// They count as one, as in `genn_eventprop`.
    Merge,
}

impl Repeats {
    /// Sorts events of a sample, and merges those that coincide where that is wanted. Returns how many went.
    pub fn settle(self, events: &mut Vec<(u32, u16)>) -> usize {
        let given = events.len();
        events.sort_unstable();
        if self == Self::Merge {
            events.dedup();
        }
        given - events.len()
    }
}

impl Binning {
    /// Step and input of a spike; `None` when it comes after the end of the trial. The step is the one in which the time
    /// lies; one that is before the end of a step by no more than its noise lies in the next.
    ///
    /// # Errors
    /// [`BinError`].
    pub fn bin(
        &self,
        time_ms: f64,
        noise: TimeNoise,
        channel: u32,
    ) -> Result<Option<(u32, u16)>, BinError> {
        if !time_ms.is_finite() || time_ms < 0.0 {
            return Err(BinError::Time { time_ms });
        }
        if channel >= self.inputs {
            let inputs = self.inputs;
            return Err(BinError::Channel { channel, inputs });
        }
        // Times and steps are rescaled, rather than times, so that noise is taken in the unit it came in.
        let within = noise.in_steps(time_ms, self.dt_ms / self.rescale_t);
        let step = (time_ms * self.rescale_t / self.dt_ms + within).floor();
        let input = (f64::from(channel) * self.rescale_x).floor();
        let inside = step < f64::from(self.steps) && input < f64::from(self.inputs);
        Ok(inside.then_some((step as u32, input as u16)))
    }
}

/// Labelled samples of events on a grid of steps, wherever they come from: kept in memory
/// ([`BinnedSet`]) or made when they are asked for ([`crate::sets::smnist::SequenceSet`]).
pub trait EventSet: Send + Sync + std::fmt::Debug {
    /// Number of channels.
    fn inputs(&self) -> u32;

    /// Number of steps of a trial.
    fn steps(&self) -> u32;

    /// Number of classes.
    fn classes(&self) -> u32;

    /// The classes of the samples: as many as there are samples.
    fn labels(&self) -> &[u16];

    /// The people of the samples (who speaks, who moves), where they are known.
    fn speakers(&self) -> Option<&[u16]>;

    /// Spikes lost on the way to the grid.
    fn lost(&self) -> Lost;

    /// Names of the classes; empty when they only have numbers.
    fn class_names(&self) -> &[String] {
        &[]
    }

    /// Number of spikes of a sample.
    fn spikes_len(&self, sample: usize) -> usize;

    /// Treatment of several spikes of a channel in one step.
    fn repeats(&self) -> Repeats;

    /// Fills `out` with the spikes of a sample: (step, channel), ascending.
    fn events(&self, sample: usize, out: &mut Vec<(u32, u16)>);
}

/// Spikes lost when a set was put on the grid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// Spikes before.
    pub of: u64,
    /// Spikes after the end of the trial or moved out of the channels: cut off.
    pub cut_off: u64,
    /// Spikes that fell into the step and channel of another one: one with it.
    pub merged: u64,
}

impl Lost {
    /// The share that was cut off, and the share that was merged.
    pub fn shares(self) -> [f64; 2] {
        [self.cut_off, self.merged].map(|count| count as f64 / self.of.max(1) as f64)
    }

    /// Sentences for the user about events that were cut off, and those that were merged.
    pub fn notices(self) -> Vec<String> {
        let Self {
            of,
            cut_off,
            merged,
        } = self;
        let mut notices = Vec::new();
        if cut_off > 0 {
            notices.push(format!(
                "{cut_off} of {of} events come after TRIAL_MS and are cut off"
            ));
        }
        if merged > 0 {
            notices.push(format!(
                "{merged} of {of} events share step and channel with another one and count as one with it (MERGE_SPIKES)"
            ));
        }
        notices
    }
}

/// The people of a set, ascending; empty when they are not known.
pub fn speaker_ids(set: &dyn EventSet) -> Vec<u16> {
    let mut ids = set.speakers().unwrap_or_default().to_vec();
    ids.sort_unstable();
    ids.dedup();
    ids
}

impl EventSet for BinnedSet {
    fn inputs(&self) -> u32 {
        self.inputs()
    }

    fn steps(&self) -> u32 {
        self.steps()
    }

    fn classes(&self) -> u32 {
        self.classes()
    }

    fn labels(&self) -> &[u16] {
        self.labels()
    }

    fn speakers(&self) -> Option<&[u16]> {
        self.speakers()
    }

    fn lost(&self) -> Lost {
        self.lost
    }

    fn repeats(&self) -> Repeats {
        self.repeats
    }

    fn class_names(&self) -> &[String] {
        &self.class_names
    }

    fn spikes_len(&self, sample: usize) -> usize {
        self.spikes_len(sample)
    }

    fn events(&self, sample: usize, out: &mut Vec<(u32, u16)>) {
        out.clear();
        out.extend(self.spikes(sample));
    }
}

/// First event of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Start {
    channels: usize,
    runs: usize,
}

/// A set of samples on a grid of steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinnedSet {
    inputs: u32,
    steps: u32,
    classes: u32,
    /// Channels of all samples, by (sample, step, channel).
    channels: Vec<u16>,
    /// (step, spikes) for every step of every sample in which there is a spike.
    runs: Vec<(u32, u32)>,
    /// One more than there are samples.
    starts: Vec<Start>,
    labels: Vec<u16>,
    speakers: Option<Vec<u16>>,
    /// Treatment of several spikes of a channel in one step, for whoever fills the set to say; merged unless said.
    pub repeats: Repeats,
    /// Spikes lost on the way here, for whoever fills the set to say; those that are merged are counted here.
    pub lost: Lost,
    /// Names of the classes, for whoever fills the set to say; empty when they only have numbers.
    pub class_names: Vec<String>,
}

impl BinnedSet {
    /// A set without samples, of `inputs` channels (at most 65,536), `steps` steps and `classes` classes.
    ///
    /// # Panics
    /// With more channels or classes than 65,536.
    pub fn new(inputs: u32, steps: u32, classes: u32, speakers: Speakers) -> Self {
        assert!(
            inputs <= 1 << 16 && classes <= 1 << 16,
            "{inputs} channels, {classes} classes"
        );
        Self {
            inputs,
            steps,
            classes,
            channels: Vec::new(),
            runs: Vec::new(),
            starts: vec![Start::default()],
            labels: Vec::new(),
            speakers: (speakers == Speakers::Known).then(Vec::new),
            repeats: Repeats::Merge,
            lost: Lost::default(),
            class_names: Vec::new(),
        }
    }

    /// The same with another treatment of several spikes of a channel in one step.
    #[must_use]
    pub fn with_repeats(self, repeats: Repeats) -> Self {
        Self { repeats, ..self }
    }

    /// Adds a sample. The events are sorted, and merged where that is wanted.
    ///
    /// # Panics
    /// When the label is not below the number of classes, or a speaker is given to a set without.
    pub fn push(&mut self, events: &mut Vec<(u32, u16)>, label: u16, speaker: Option<u16>) {
        assert!(u32::from(label) < self.classes, "label {label}");
        self.lost.merged += self.repeats.settle(events) as u64;
        for run in events.chunk_by(|a, b| a.0 == b.0) {
            self.channels
                .extend(run.iter().map(|&(_, channel)| channel));
            self.runs.push((run[0].0, run.len() as u32));
        }
        self.starts.push(Start {
            channels: self.channels.len(),
            runs: self.runs.len(),
        });
        self.labels.push(label);
        match (&mut self.speakers, speaker) {
            (Some(speakers), Some(speaker)) => speakers.push(speaker),
            (None, None) => {}
            (known, given) => panic!("speakers {:?}, given {given:?}", known.is_some()),
        }
    }

    /// Makes room for so many more samples and spikes, the latter in at most so many runs of one step.
    pub fn reserve(&mut self, samples: usize, spikes: usize, runs: usize) {
        self.channels.reserve(spikes);
        self.runs.reserve(runs);
        self.starts.reserve(samples);
        self.labels.reserve(samples);
        if let Some(speakers) = &mut self.speakers {
            speakers.reserve(samples);
        }
    }

    /// Gives back memory that was reserved for more samples.
    pub fn shrink(&mut self) {
        self.channels.shrink_to_fit();
        self.runs.shrink_to_fit();
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// True without samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of channels.
    pub fn inputs(&self) -> u32 {
        self.inputs
    }

    /// Number of steps of a trial.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// Number of classes.
    pub fn classes(&self) -> u32 {
        self.classes
    }

    /// The classes of the samples.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// The speakers of the samples, where they are known.
    pub fn speakers(&self) -> Option<&[u16]> {
        self.speakers.as_deref()
    }

    /// The speakers that there are, ascending.
    pub fn speaker_ids(&self) -> Vec<u16> {
        speaker_ids(self)
    }

    /// Number of spikes of a sample.
    pub fn spikes_len(&self, sample: usize) -> usize {
        self.starts[sample + 1].channels - self.starts[sample].channels
    }

    /// Calls `each` with the spikes of a sample, (step, channel), ascending.
    #[inline]
    pub fn for_each_spike(&self, sample: usize, mut each: impl FnMut(u32, u16)) {
        self.spikes(sample)
            .for_each(|(step, channel)| each(step, channel));
    }

    /// The spikes of a sample, (step, channel), ascending.
    #[inline]
    pub fn spikes(&self, sample: usize) -> impl Iterator<Item = (u32, u16)> + '_ {
        let (start, end) = (self.starts[sample], self.starts[sample + 1]);
        let mut channels = &self.channels[start.channels..end.channels];
        self.runs[start.runs..end.runs]
            .iter()
            .flat_map(move |&(step, count)| {
                let (now, later) = channels.split_at(count as usize);
                channels = later;
                now.iter().map(move |&channel| (step, channel))
            })
    }

    /// Bytes that the set occupies.
    pub fn bytes(&self) -> usize {
        self.channels.capacity() * size_of::<u16>()
            + self.runs.capacity() * size_of::<(u32, u32)>()
            + self.starts.capacity() * size_of::<Start>()
            + self.labels.capacity() * size_of::<u16>()
            + self
                .speakers
                .as_ref()
                .map_or(0, |s| s.capacity() * size_of::<u16>())
    }
}

/// Speakers of a set, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speakers {
    /// Every sample has one.
    Known,
    /// None has.
    Unknown,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use eventprop::time_noise::TimeNoise;

    use super::{BinError, BinnedSet, Binning, Repeats, Speakers};

    fn binning(dt_ms: f64) -> Binning {
        Binning {
            dt_ms,
            steps: 1400,
            inputs: 700,
            rescale_t: 1.0,
            rescale_x: 1.0,
            repeats: Repeats::Count,
        }
    }

    /// Steps are [k dt, (k + 1) dt), and decimal times on a border belong to the later one.
    #[test]
    fn times_fall_into_their_steps() {
        let fine = binning(0.1);
        for step in 0..1400u32 {
            let time = f64::from(step) * 0.1;
            assert_eq!(fine.bin(time, TimeNoise::F64, 3), Ok(Some((step, 3))));
            assert_eq!(
                fine.bin(time + 0.09, TimeNoise::F64, 3),
                Ok(Some((step, 3)))
            );
        }
        assert_eq!(fine.bin(140.0, TimeNoise::F64, 3), Ok(None));
        assert_eq!(
            binning(2.0).bin(3.999, TimeNoise::F64, 699),
            Ok(Some((1, 699)))
        );
    }

    /// k · dt, in float32 ms, and in float32 and float16 s, is step k; what is later within the step as well.
    #[test]
    fn times_of_every_type_fall_into_their_steps() {
        for dt_ms in [0.1, 0.3, 1.0] {
            let grid = binning(dt_ms);
            for step in 0..1000u32 {
                let exact = f64::from(step) * dt_ms;
                let single = f64::from(step as f32 * dt_ms as f32);
                let seconds = 1000.0 * f64::from((exact / 1000.0) as f32);
                for time in [single, seconds] {
                    assert_eq!(grid.bin(time, TimeNoise::F32, 3), Ok(Some((step, 3))));
                    assert_eq!(
                        grid.bin(time + 0.9 * dt_ms, TimeNoise::F32, 3),
                        Ok(Some((step, 3)))
                    );
                }
            }
        }
        for step in 0..200u32 {
            let half = half::f16::from_f64(f64::from(step) * 0.001).to_f64();
            assert_eq!(
                binning(1.0).bin(1000.0 * half, TimeNoise::F16, 3),
                Ok(Some((step, 3)))
            );
        }
    }

    #[test]
    fn spikes_of_one_channel_in_one_step_count_each_or_once() {
        for (repeats, kept) in [(Repeats::Count, 3), (Repeats::Merge, 2)] {
            let set = BinnedSet::new(5, 9, 1, Speakers::Unknown);
            let mut set = set.with_repeats(repeats);
            set.push(&mut vec![(4, 2), (1, 0), (4, 2)], 0, None);
            assert_eq!(set.spikes_len(0), kept);
            assert_eq!(set.lost.merged, 3 - kept as u64);
            assert!(set.spikes(0).is_sorted());
        }
    }

    #[test]
    fn rescaling_comes_before_binning() {
        let half = Binning {
            rescale_t: 0.5,
            rescale_x: 0.5,
            ..binning(1.0)
        };
        assert_eq!(half.bin(7.0, TimeNoise::F64, 7), Ok(Some((3, 3))));
        assert_eq!(half.bin(2801.0, TimeNoise::F64, 7), Ok(None));
        let double = Binning {
            rescale_x: 2.0,
            ..binning(1.0)
        };
        assert_eq!(double.bin(1.0, TimeNoise::F64, 400), Ok(None));
    }

    #[test]
    fn what_is_no_spike_is_refused() {
        let at = |time, channel| binning(1.0).bin(time, TimeNoise::F64, channel);
        assert_eq!(at(-0.1, 3), Err(BinError::Time { time_ms: -0.1 }));
        assert!(matches!(at(f64::NAN, 3), Err(BinError::Time { .. })));
        let error = at(1.0, 700).unwrap_err().to_string();
        assert_eq!(error, "a spike is on channel 700; there are 700 (0 to 699)");
    }

    proptest! {
        /// Spikes that go in come out sorted and once, sample by sample.
        #[test]
        fn samples_come_back(
            samples in prop::collection::vec(
                prop::collection::vec((0u32..50, 0u16..20), 0..200), 0..8),
        ) {
            let mut set = BinnedSet::new(20, 50, 4, Speakers::Known);
            for (n, sample) in samples.iter().enumerate() {
                set.push(&mut sample.clone(), (n % 4) as u16, Some(n as u16));
            }
            prop_assert_eq!(set.len(), samples.len());
            for (n, sample) in samples.into_iter().enumerate() {
                let expected: std::collections::BTreeSet<_> = sample.into_iter().collect();
                let mut found = Vec::new();
                set.for_each_spike(n, |step, channel| found.push((step, channel)));
                prop_assert_eq!(set.spikes_len(n), found.len());
                prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
            }
        }
    }
}
