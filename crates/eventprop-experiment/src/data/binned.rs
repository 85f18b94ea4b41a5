//! Events of channels as input spikes: on the grid, with delayed copies of the whole input where a delay
//! line is wanted. The copies are made when a sample is encoded; the events are kept once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use eventprop::rng::Key;
use eventprop::spikes::SpikeTrain;
use eventprop_data::augment::dropout::SpikeDraws;
use eventprop_data::augment::{Augmenter, Events};
use eventprop_data::binned::EventSet;

use super::part::Samples;
use crate::settings::{DelayLine, Settings};

/// The way from events to input spikes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Encoding {
    /// Length of a step in ms.
    dt_ms: f64,
    /// Length of a trial in ms; copies that come later are left out.
    trial_ms: f64,
    delay_line: DelayLine,
}

impl Encoding {
    /// The encoding of a run.
    pub fn new(settings: &Settings, delay_line: DelayLine) -> Self {
        Self {
            dt_ms: settings.clock.dt_ms(),
            trial_ms: settings.clock.trial_ms(),
            delay_line,
        }
    }

    /// Input neurons for so many channels: copy · channels + channel.
    pub fn inputs(&self, channels: u32) -> usize {
        (self.delay_line.copies + 1) * channels as usize
    }

    /// The spikes of a sample in order of (time, neuron).
    fn spikes<'a>(&self, events: &'a Events, channels: u32) -> Taps<'a> {
        let mut taps = Taps {
            encoding: *self,
            channels,
            events,
            at: vec![0; self.delay_line.copies + 1],
            queue: BinaryHeap::with_capacity(self.delay_line.copies + 1),
            tap: 0,
            run_end: 0,
        };
        for tap in 0..=self.delay_line.copies {
            taps.enqueue(tap);
        }
        taps
    }

    /// Time of the input spike for copy `copy` of an event in `step`.
    fn time_ms(&self, step: u32, copy: usize) -> f64 {
        f64::from(step) * self.dt_ms + copy as f64 * self.delay_line.step_ms
    }
}

/// All copies of a list of events, merged step by step.
struct Taps<'a> {
    encoding: Encoding,
    channels: u32,
    events: &'a Events,
    /// The next event of every copy.
    at: Vec<usize>,
    /// Times at which the next event of every waiting copy is sent. At equal times the copy with the
    /// smallest delay is the first, because its neurons have the smallest numbers.
    queue: BinaryHeap<Reverse<(Time, usize)>>,
    /// The copy that is sent, and where its present step ends.
    tap: usize,
    run_end: usize,
}

/// A time from 0 on in ms; as the bits of an f64, which have the order of the numbers.
type Time = u64;

impl Taps<'_> {
    /// Lets a copy wait for its next event, if that comes within the trial.
    fn enqueue(&mut self, tap: usize) {
        if let Some((step, _)) = self.events.get(self.at[tap]) {
            let time_ms = self.encoding.time_ms(*step, tap);
            if time_ms < self.encoding.trial_ms {
                self.queue.push(Reverse((time_ms.to_bits(), tap)));
            }
        }
    }

    /// Turns to the copy whose next event comes first.
    fn next_run(&mut self) -> Option<()> {
        if self.run_end > 0 {
            self.enqueue(self.tap);
        }
        let Reverse((_, tap)) = self.queue.pop()?;
        let start = self.at[tap];
        let step = self.events[start].0;
        let run = self.events[start..].iter().take_while(|e| e.0 == step);
        (self.tap, self.run_end) = (tap, start + run.count());
        Some(())
    }
}

impl Iterator for Taps<'_> {
    type Item = (f64, u32);

    fn next(&mut self) -> Option<(f64, u32)> {
        if self.at[self.tap] == self.run_end {
            self.next_run()?;
        }
        let (step, channel) = self.events[self.at[self.tap]];
        self.at[self.tap] += 1;
        let neuron = self.tap as u32 * self.channels + u32::from(channel);
        Some((self.encoding.time_ms(step, self.tap), neuron))
    }
}

/// A set of events with the code that turns them into spikes.
#[derive(Debug, Clone)]
pub struct BinnedSamples {
    /// The events.
    pub set: Arc<dyn EventSet>,
    /// The way to spikes.
    pub encoding: Encoding,
}

impl BinnedSamples {
    fn events(&self, sample: usize) -> Events {
        let mut events = Events::new();
        self.set.events(sample, &mut events);
        events
    }
}

impl Samples for BinnedSamples {
    fn count(&self) -> usize {
        self.set.labels().len()
    }

    fn label(&self, sample: usize) -> u32 {
        u32::from(self.set.labels()[sample])
    }

    fn encode(&self, sample: usize, train: &mut SpikeTrain) {
        let events = self.events(sample);
        train.refill(self.encoding.spikes(&events, self.set.inputs()));
    }

    fn encode_dropping(&self, sample: usize, mut draws: SpikeDraws, train: &mut SpikeTrain) {
        let events = self.events(sample);
        let spikes = self.encoding.spikes(&events, self.set.inputs());
        train.refill(spikes.filter(|_| draws.keep()));
    }

    fn point(&self, _sample: usize) -> Option<[f64; 2]> {
        None
    }

    fn binned(&self) -> Option<&BinnedSamples> {
        Some(self)
    }
}

/// The samples of one epoch, augmented when they are encoded.
#[derive(Debug)]
pub struct AugmentedSamples {
    /// Changes to them.
    pub augmenter: Augmenter,
    /// The key of the epoch.
    pub epoch: Key,
    /// The way to spikes.
    pub encoding: Encoding,
    /// Channels.
    pub channels: u32,
}

impl AugmentedSamples {
    fn events(&self, sample: usize) -> Events {
        let mut events = Events::new();
        self.augmenter.sample(sample, self.epoch, &mut events);
        events
    }
}

impl Samples for AugmentedSamples {
    fn count(&self) -> usize {
        self.augmenter.count()
    }

    fn label(&self, sample: usize) -> u32 {
        u32::from(self.augmenter.label(sample, self.epoch))
    }

    fn encode(&self, sample: usize, train: &mut SpikeTrain) {
        let events = self.events(sample);
        train.refill(self.encoding.spikes(&events, self.channels));
    }

    fn encode_dropping(&self, sample: usize, mut draws: SpikeDraws, train: &mut SpikeTrain) {
        let events = self.events(sample);
        let spikes = self.encoding.spikes(&events, self.channels);
        train.refill(spikes.filter(|_| draws.keep()));
    }

    fn point(&self, _sample: usize) -> Option<[f64; 2]> {
        None
    }

    /// None: what is augmented is not augmented again.
    fn binned(&self) -> Option<&BinnedSamples> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoding(copies: usize, step_ms: f64) -> Encoding {
        Encoding {
            dt_ms: 2.0,
            trial_ms: 20.0,
            delay_line: DelayLine { copies, step_ms },
        }
    }

    /// Every event once per copy, `copy · channels + channel`, later by the delay, sorted, and nothing at
    /// or after the end of the trial.
    #[test]
    fn a_delay_line_repeats_every_event_in_every_copy() {
        let events: Events = vec![(0, 1), (0, 3), (1, 0), (4, 2), (9, 3)];
        for step_ms in [0.0, 2.0, 3.0, 6.0] {
            let encoding = encoding(2, step_ms);
            assert_eq!(encoding.inputs(4), 12);
            let found: Vec<(f64, u32)> = encoding.spikes(&events, 4).collect();
            let mut expected = Vec::new();
            for copy in 0..3u32 {
                for &(step, channel) in &events {
                    let time = f64::from(step) * 2.0 + f64::from(copy) * step_ms;
                    if time < 20.0 {
                        expected.push((time, copy * 4 + u32::from(channel)));
                    }
                }
            }
            expected.sort_by(|x, y| x.partial_cmp(y).expect("finite times"));
            assert_eq!(found, expected, "{step_ms}");
        }
    }

    #[test]
    fn without_copies_events_are_spikes_at_the_starts_of_their_steps() {
        let events: Events = vec![(0, 1), (3, 0)];
        let found: Vec<(f64, u32)> = encoding(0, 50.0).spikes(&events, 4).collect();
        assert_eq!(found, [(0.0, 1), (6.0, 0)]);
        assert_eq!(encoding(0, 50.0).spikes(&Events::new(), 4).count(), 0);
    }
}
