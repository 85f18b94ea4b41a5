//! Sequential MNIST from the files of MNIST, or the few images in the program as a demonstration.

use std::sync::Arc;

use eventprop_data::binned::{EventSet, Lost};
use eventprop_data::sets::mnist::{self, MnistSet};
use eventprop_data::sets::shd::Split;
use eventprop_data::sets::smnist::{SEQUENCE_MS, SequenceCode, SequenceSet, permuted, row_by_row};
use eventprop_params::Parameters;
use eventprop_params::value::Value;

use super::assembly::{Assembly, Sets, assemble};
use super::error::DataError;
use super::mnist::{
    DEMONSTRATION_VALIDATE, Found, demonstration_notice, find_test, other_set_notice, read,
};
use super::run_data::Data;
use super::source::{Source, Wanted};
use crate::settings::Settings;

/// Images and how they become sequences.
struct Sequences<'a> {
    settings: &'a Settings,
    code: SequenceCode,
    order: Vec<usize>,
    found: Found,
    test: MnistSet,
}

/// The data: training images, of which some are for validation, and test images.
pub fn load(
    params: &Parameters,
    settings: &Settings,
    source: &Source,
    wanted: Wanted,
) -> Result<Data, DataError> {
    let mut params = params.clone();
    let (found, test) = find_test(source)?;
    if matches!(found, Found::Sample) && !params.is_given("N_VALIDATE") {
        params.set("N_VALIDATE", Value::Int(DEMONSTRATION_VALIDATE as i64))?;
    }
    let demonstration = demonstration_notice(&found);
    let sequences = Sequences {
        settings,
        code: match params.text("SMNIST_ENCODING").as_str() {
            "pixel" => SequenceCode::Pixel,
            _ => SequenceCode::Threshold,
        },
        order: match params.get("PERMUTE_SEED") {
            Value::Int(seed) => permuted(seed as u64),
            _ => row_by_row(),
        },
        found,
        test,
    };
    let assembly = Assembly {
        params: &params,
        settings,
        sets: &sequences,
        pixels: None,
        demonstration,
    };
    assemble(&assembly, wanted)
}

impl Sets for Sequences<'_> {
    fn read(
        &self,
        split: Split,
        notices: &mut Vec<String>,
    ) -> Result<Arc<dyn EventSet>, DataError> {
        let (images, part, of) = if split == Split::Test {
            (self.test.clone(), mnist::Split::Test, "test")
        } else {
            let part = mnist::Split::Train;
            (read(&self.found, part)?, part, "training")
        };
        notices.extend(other_set_notice(&self.found, part, &images));
        let binning = self.settings.binning(u32::from(self.code.channels()));
        let set = SequenceSet::new(images, self.code, self.order.clone(), binning);
        let Lost {
            of: all,
            cut_off: late,
            merged,
        } = set.lost();
        if late > 0 {
            let sequence_ms = f64::from(SEQUENCE_MS) * binning.rescale_t;
            let trial_ms = self.settings.clock.trial_ms();
            notices.push(format!(
                "a sequence has {sequence_ms} ms, so {late} of {all} spikes of the {of} images come after TRIAL_MS={trial_ms} and are cut off"
            ));
        }
        let only_merged = Lost {
            of: all,
            cut_off: 0,
            merged,
        };
        notices.extend(only_merged.notices());
        Ok(Arc::new(set))
    }
}
