//! `eventprop doctor`: what is wrong with my network, and what would help?

use std::fmt::Write;

use eventprop_experiment::health::doctor::{self, Diagnosis, Look};
use serde_json::{Value as Json, json};

use super::options::Json as JsonOption;
use super::run::{BenchmarkArgs, explain};
use crate::failure::{self, DONE, Failure};
use crate::output;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    benchmark: BenchmarkArgs,
    /// Print only the suggested parameters, as KEY=VALUE for the command line
    #[arg(long, conflicts_with = "json")]
    fix: bool,
    #[command(flatten)]
    output: JsonOption,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        failure::conclude(self.try_run(), self.output.json)
    }

    fn try_run(&self) -> Result<u8, Failure> {
        let params = self.benchmark.parameters().map_err(Failure::refused)?;
        let source = self.benchmark.source();
        let diagnosis = doctor::examine(&params, &source).map_err(|error| explain(&error))?;
        if self.output.json {
            output::out(&to_json(&diagnosis).to_string());
            return Ok(DONE);
        }
        for notice in &diagnosis.notices {
            output::err(&format!("note: {notice}"));
        }
        let text = if self.fix {
            fix(&diagnosis)
        } else {
            report(&diagnosis)
        };
        if !text.is_empty() {
            output::out(text.trim_end());
        }
        Ok(DONE)
    }
}

fn fix(diagnosis: &Diagnosis) -> String {
    let fix = diagnosis.fix.iter();
    let words: Vec<String> = fix.map(|(key, value)| format!("{key}={value}")).collect();
    words.join(" ")
}

fn report(diagnosis: &Diagnosis) -> String {
    let look = &diagnosis.look;
    let mut text = format!(
        "One batch of {} samples, fresh weights, forwards and backwards.\n\n",
        look.samples
    );
    figures(&mut text, look);
    text.push('\n');
    if let Some(strength) = diagnosis.guiding_strength {
        let _ = writeln!(
            text,
            "  REG_TYPE=simple LBD_UPPER={strength:.1e} LBD_LOWER={strength:.1e} would pull a tenth as hard as the loss towards NU_UPPER spikes\n"
        );
    }
    if diagnosis.complaints.is_empty() {
        text.push_str("Nothing is wrong.\n");
    }
    for complaint in &diagnosis.complaints {
        let _ = writeln!(text, "{}: {}.", complaint.problem.name(), complaint.text);
    }
    if let Some(cured) = &diagnosis.cured {
        let _ = write!(
            text,
            "\nThis would help (aimed at {:.2} spikes per neuron and sample):\n  {}\n\nWith it:\n\n",
            diagnosis.target,
            fix(diagnosis)
        );
        figures(&mut text, cured);
    }
    text
}

fn figures(text: &mut String, look: &Look) {
    text.push_str("  layer         neurons  spikes/neuron   silent  saturated  grazing spikes\n");
    for layer in &look.layers {
        let _ = writeln!(
            text,
            "  {:12} {:8} {:14.3} {:6.1} % {:8.1} % {:13.2} %",
            layer.name,
            layer.size,
            layer.rate,
            100.0 * layer.silent_share(),
            100.0 * layer.saturated_share(),
            100.0 * layer.grazing_share()
        );
    }
    text.push_str(
        "\n  projection           |gradient|   |weights|  per weight, in units of the output's\n",
    );
    for gradient in &look.gradients {
        let _ = writeln!(
            text,
            "  {:18} {:12.3e} {:11.3e} {:12.3e}",
            gradient.name, gradient.norm, gradient.weights_norm, gradient.growth
        );
    }
    match (look.loss, &look.failure) {
        (Some(loss), _) => {
            let _ = writeln!(
                text,
                "\n  loss {loss:.4}; {:.1} % of the input spikes never act",
                100.0 * look.input_lost()
            );
        }
        (None, Some(failure)) => {
            let _ = writeln!(text, "\n  not solved: {failure}");
        }
        (None, None) => {}
    }
    if look.lost.of > 0 {
        let [cut_off, merged] = look.lost.shares().map(|share| 100.0 * share);
        let _ = writeln!(
            text,
            "  {merged:.1} % of the spikes of the data share step and channel with another one, {cut_off:.1} % are cut off"
        );
    }
}

fn to_json(diagnosis: &Diagnosis) -> Json {
    let complaints = diagnosis.complaints.iter().map(|complaint| {
        json!({
            "illness": complaint.problem.name(),
            "place": complaint.place,
            "text": complaint.text,
        })
    });
    let fix = diagnosis
        .fix
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.to_json()));
    json!({
        "found": look_json(&diagnosis.look),
        "target_spikes_per_neuron": diagnosis.target,
        "saturation_spikes_per_neuron": diagnosis.saturation,
        "complaints": complaints.collect::<Json>(),
        "guiding_regularizer_strength": diagnosis.guiding_strength,
        "fix": Json::Object(fix.collect()),
        "cured": diagnosis.cured.as_ref().map(look_json),
    })
}

fn look_json(look: &Look) -> Json {
    let layers = look.layers.iter().map(|layer| {
        json!({
            "population": layer.name,
            "neurons": layer.size,
            "spikes_per_neuron": layer.rate,
            "silent_share": layer.silent_share(),
            "saturated_share": layer.saturated_share(),
            "grazing_share": layer.grazing_share(),
        })
    });
    let gradients = look.gradients.iter().map(|gradient| {
        json!({
            "projection": gradient.name,
            "norm": gradient.norm,
            "weights_norm": gradient.weights_norm,
            "growth": gradient.growth,
        })
    });
    json!({
        "samples": look.samples,
        "loss": look.loss,
        "failure": look.failure,
        "input_lost_share": look.input_lost(),
        "data_cut_off_share": look.lost.shares()[0],
        "data_merged_share": look.lost.shares()[1],
        "layers": layers.collect::<Json>(),
        "gradients": gradients.collect::<Json>(),
    })
}
