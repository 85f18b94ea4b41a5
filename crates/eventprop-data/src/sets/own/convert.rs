//! Recordings of event cameras become a spike file.

use std::path::Path;

use super::error::OwnDataError;
use super::folder::{Member, Tree, UNITS, camera_code, prefixed_notes, sensor, span_ms, tree};
use super::shape::Request;
use crate::formats::events;
use crate::formats::spike_file::{Sample, SpikeFileWriter, TimeType, WriteOptions};
use crate::time_span::TimeSpan;

/// Summary of the written set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Names of the classes.
    pub names: Vec<String>,
    /// Samples.
    pub samples: usize,
    /// Spikes.
    pub spikes: u64,
    /// Channels.
    pub inputs: u32,
    /// Notes of the readers.
    pub notices: Vec<String>,
}

/// Writes a folder per class of recordings, or one recording as class 0, as spike trains in the layout of
/// SHD: every event at its own time (float64, because float32 does not hold µs beyond 16 s), its channel as
/// `CameraCode` has it.
///
/// # Errors
/// [`OwnDataError`]; then nothing is written.
pub fn write_spike_file(
    from: &Path,
    to: &Path,
    request: &Request<'_>,
) -> Result<Written, OwnDataError> {
    let tree = if from.is_dir() {
        tree(from, None)?
    } else {
        let path = from.to_owned();
        Tree {
            names: Vec::new(),
            members: vec![Member { path, class: 0 }],
            left_out: Vec::new(),
        }
    };
    let notices = tree.left_out_notice().into_iter().collect();
    let Tree { names, members, .. } = tree;
    let sensor = sensor(&members, request.reading, None)?;
    let code = camera_code(from, sensor, request)?;
    let options = WriteOptions {
        times: TimeType::F64,
        keys: names.clone(),
        attributes: vec![("source".into(), from.display().to_string())],
        ..WriteOptions::default()
    };
    let mut file = SpikeFileWriter::create(to, options)?;
    let mut written = Written {
        names,
        samples: members.len(),
        spikes: 0,
        inputs: code.inputs(),
        notices,
    };
    let mut span = TimeSpan::new(UNITS);
    for member in &members {
        let recording = events::read_with(&member.path, request.reading)?;
        let placed = recording.events.iter();
        let placed = placed.filter_map(|event| Some((event.t_us, code.input(event)?)));
        let (times_s, units): (Vec<f64>, Vec<u16>) = placed
            .map(|(t_us, input)| (t_us as f64 / 1e6, input as u16))
            .unzip();
        let left_out = recording.events.len() - units.len();
        if left_out > 0 {
            let line = format!(
                "{}: {left_out} OFF events are left out",
                member.path.display()
            );
            written.notices.push(line);
        }
        written.spikes += units.len() as u64;
        file.push(Sample {
            times_s: &times_s,
            units: &units,
            label: member.class,
            speaker: None,
        })?;
        written.notices.extend(prefixed_notes(member, &recording));
        span.add(span_ms(&recording).into_iter());
    }
    written.notices.extend(span.short(request.binning.dt_ms));
    file.finish()?;
    Ok(written)
}
