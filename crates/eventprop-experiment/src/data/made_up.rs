//! Spoken words that are made up: a demonstration of the shape of SHD, for tests and first tries.
//!
//! Every class plays the same five bands of channels, one after the other, in an order of its own: only
//! time tells the classes apart. Speakers differ in pitch and pace.

use eventprop::rng::{Key, Purpose};
use eventprop_data::binned::{BinnedSet, Binning, Speakers};
use eventprop_data::shd::{CHANNELS, Split};

/// Spikes of a sample; SHD has some 8000 on average.
const SPIKES: u64 = 4000;
/// Bands, and the length in ms for which each is played.
const BANDS: usize = 5;
const BAND_MS: f64 = 110.0;
/// Distance in channels from one band to the next, and standard deviation of a band.
const BAND_CHANNELS: f64 = 120.0;
const BAND_WIDTH: f64 = 35.0;

/// A set in the shape of SHD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShdLike {
    /// Training samples.
    pub train: usize,
    /// Test samples.
    pub test: usize,
    /// Speakers.
    pub speakers: u16,
    /// Classes.
    pub classes: u16,
    /// Seed of everything.
    pub seed: u64,
}

impl ShdLike {
    /// One part, binned. Classes and speakers take turns.
    pub fn binned(&self, split: Split, binning: &Binning) -> BinnedSet {
        let classes = u32::from(self.classes);
        let mut set = BinnedSet::new(CHANNELS, binning.steps, classes, Speakers::Known);
        let count = match split {
            Split::Train | Split::Valid => self.train,
            Split::Test => self.test,
        };
        for sample in 0..count {
            let class = (sample % usize::from(self.classes)) as u16;
            let turn = sample / usize::from(self.classes);
            let speaker = (turn % usize::from(self.speakers)) as u16;
            let key = Key::new(self.seed, Purpose::Data);
            let own = key.with(1).with(split as u64).with(sample as u64);
            let mut events = Vec::new();
            for spike in 0..SPIKES {
                let (time_ms, channel) = self.spike(class, speaker, own, spike);
                let inside = (0.0..f64::from(CHANNELS)).contains(&channel);
                if let (true, Ok(Some(event))) = (inside, binning.bin(time_ms, channel as u32)) {
                    events.push(event);
                }
            }
            set.push(&mut events, class, Some(speaker));
        }
        set
    }

    /// Time in ms and channel of a spike.
    fn spike(&self, class: u16, speaker: u16, own: Key, spike: u64) -> (f64, f64) {
        let key = Key::new(self.seed, Purpose::Data);
        let order = key.with(0).with(u64::from(class)).permutation(BANDS);
        let voice = key.with(2).with(u64::from(speaker));
        let (pitch, pace) = (40.0 * voice.uniform(0) - 20.0, 0.8 + 0.4 * voice.uniform(1));
        let turn = (spike % BANDS as u64) as usize;
        let within = own.uniform(2 * spike);
        let band = BAND_CHANNELS * (order[turn] as f64 + 1.0) + pitch;
        let channel = band + BAND_WIDTH * own.normal(2 * spike + 1);
        ((turn as f64 + within) * BAND_MS * pace, channel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which channels spike does not tell the classes apart: their mean differs by no more than chance.
    #[test]
    fn only_time_tells_classes_apart() {
        let like = ShdLike {
            train: 400,
            test: 20,
            speakers: 4,
            classes: 20,
            seed: 1,
        };
        let binning = Binning {
            dt_ms: 10.0,
            steps: 100,
            inputs: CHANNELS,
            rescale_t: 1.0,
            rescale_x: 1.0,
        };
        let set = like.binned(Split::Train, &binning);
        assert_eq!((set.len(), set.speaker_ids().len()), (400, 4));
        let mean = |class: usize| {
            let (mut sum, mut count) = (0.0, 0.0);
            for sample in (class..400).step_by(20) {
                set.for_each_spike(sample, |_, channel| {
                    sum += f64::from(channel);
                    count += 1.0;
                });
            }
            sum / count
        };
        let means: Vec<f64> = (0..20).map(mean).collect();
        let centre = means.iter().sum::<f64>() / 20.0;
        // 80,000 spikes a class with sd 174 channels: five standard errors are 3; pace and coincidence of
        // spikes in a step of 10 ms add about as much.
        assert!(means.iter().all(|m| (m - centre).abs() < 6.0), "{means:?}");
        assert_ne!(
            like.binned(Split::Test, &binning),
            like.binned(Split::Train, &binning)
        );
    }
}
