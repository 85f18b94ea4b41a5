//! `eventprop devices`: the graphics cards of this machine.

use eventprop_gpu::{DeviceInfo, devices};
use serde_json::{Value as Json, json};

use super::options::Json as JsonOption;
use super::table::columns;
use crate::failure::{self, DONE, Failure};
use crate::output;

/// Arguments of `devices`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    output: JsonOption,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        failure::conclude(self.show(), self.output.json)
    }

    fn show(&self) -> Result<u8, Failure> {
        let found = devices().map_err(Failure::failed)?;
        if self.output.json {
            let each = found.iter().enumerate();
            let each: Vec<Json> = each.map(|(number, info)| shown(number, info)).collect();
            output::out(&json!({ "devices": each }).to_string());
        } else if found.is_empty() {
            output::out(
                "No graphics card with a driver for Vulkan was found; `vulkaninfo --summary` shows what the system has.",
            );
        } else {
            let head = ["DEVICE", "name", "driver", "kind", "largest buffer"];
            let mut lines = vec![head.map(str::to_owned).to_vec()];
            lines.extend(
                found
                    .iter()
                    .enumerate()
                    .map(|(number, info)| line(number, info)),
            );
            output::out(&columns(&lines));
        }
        Ok(DONE)
    }
}

fn line(number: usize, info: &DeviceInfo) -> Vec<String> {
    vec![
        format!("gpu:{number}"),
        info.name.clone(),
        info.driver.clone(),
        info.kind.to_owned(),
        format!("{:.0} MB", info.buffer_most as f64 / 1e6),
    ]
}

fn shown(number: usize, info: &DeviceInfo) -> Json {
    json!({
        "device": format!("gpu:{number}"),
        "name": info.name,
        "driver": info.driver,
        "kind": info.kind,
        "software": info.is_software,
        "largest_buffer_bytes": info.buffer_most,
        "shared_bytes": info.shared_most,
    })
}
