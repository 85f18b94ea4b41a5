//! `eventprop bench`: how fast is it on this machine, and how fast could it be?

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use eventprop_experiment::bench::scaling::{self, Axis, Law, Point};
use eventprop_experiment::bench::{self, Length, Measured, Rate, Shape, Workload};
use eventprop_experiment::{machine, room};
use eventprop_gpu::DeviceName;
use eventprop_report::{Panel, Scaling, Size};
use serde_json::json;

use super::options::Threads;
use crate::failure::{self, DONE, Failure};
use crate::{output, pictures};

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Workload [default: all]
    #[arg(long, value_parser = parse)]
    workload: Option<Workload>,
    #[command(flatten)]
    threads: Threads,
    /// Where to solve: cpu, gpu, or a device that `eventprop devices` lists [default: cpu]
    #[arg(long, value_parser = device, requires = "workload")]
    device: Option<DeviceName>,
    /// Rounds to time, of which the median counts [default: some seconds' worth]
    #[arg(long, value_name = "N")]
    rounds: Option<NonZeroUsize>,
    /// Samples to keep in memory, as a data set would be [default: those of one round]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    resident: usize,
    /// Instead of workloads: the time per sample against the sizes of network and input, as CSV, with
    /// the fitted law of each
    #[arg(long, conflicts_with_all = ["workload", "rounds", "resident", "json"])]
    scaling: bool,
    /// Also plot the results of `--scaling`: PATH.png and PATH.svg
    #[arg(long, value_name = "PATH", requires = "scaling")]
    plot: Option<PathBuf>,
    /// Print one JSON object per workload
    #[arg(long)]
    json: bool,
}

fn parse(text: &str) -> Result<Workload, String> {
    let found = Workload::ALL.into_iter().find(|w| w.name() == text);
    found.ok_or_else(|| {
        let names = Workload::ALL.map(Workload::name).join(", ");
        format!("there is no such workload; choose one of {names}")
    })
}

fn device(text: &str) -> Result<DeviceName, String> {
    DeviceName::named(text).map_err(|error| error.to_string())
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> u8 {
        failure::conclude(self.try_run(), self.json)
    }

    fn try_run(&self) -> Result<u8, Failure> {
        let threads = self.threads.threads;
        let threads = threads.map_or_else(machine::cores, NonZeroUsize::get);
        if self.scaling {
            return scale(threads, machine::cores(), self.plot.as_deref());
        }
        let workloads = self.workload.map_or(Workload::ALL.to_vec(), |w| vec![w]);
        for workload in workloads {
            let shape = workload.shape();
            let device = self.device.unwrap_or_default();
            if device != DeviceName::Cpu && !shape.solver.has_steps() {
                return Err(Failure::usage(format!(
                    "--device {device}: cards solve in steps, and {} goes from event to event; choose another workload",
                    workload.name()
                )));
            }
            check_resident(self.resident, &shape)?;
            let usual = Length::of(&shape);
            let length = Length {
                rounds: self.rounds.map_or(usual.rounds, NonZeroUsize::get),
                resident: self.resident,
                ..usual
            };
            let measured = bench::run(&shape, device, threads, length).map_err(Failure::failed)?;
            if self.json {
                output::out(&to_json(workload, &measured).to_string());
            } else {
                output::out(&text(workload, &measured));
            }
        }
        Ok(DONE)
    }
}

/// Refuses more samples than fit into memory.
fn check_resident(samples: usize, shape: &Shape) -> Result<(), Failure> {
    let (spendable, each) = (room::spendable(), shape.sample_bytes());
    let bytes = samples as f64 * each;
    if bytes <= spendable {
        return Ok(());
    }
    let shortage = room::shortage("the samples", bytes, spendable);
    let most = (spendable / each) as usize;
    Err(Failure::usage(format!(
        "--resident {samples}: {shortage}; it can be at most {most}"
    )))
}

/// One line per point, then one per law; and a picture, if wanted.
fn scale(threads: usize, cores: usize, plot: Option<&Path>) -> Result<u8, Failure> {
    output::out(
        "axis,size,threads,ms_per_sample,floor_ms_per_sample,ratio,hidden_spikes_per_neuron,peak_memory_mb",
    );
    let mut axes = Vec::new();
    for axis in Axis::ALL {
        let mut points = Vec::new();
        for size in axis.sizes(cores) {
            let point = scaling::measure(axis, size, threads).map_err(Failure::failed)?;
            output::out(&point_line(&point));
            points.push(point);
        }
        axes.push((axis, points));
    }
    for (axis, points) in &axes {
        if let Some(law) = fit(points) {
            let (name, x) = (axis.name(), law.exponent);
            output::out(&format!("# {name}: time ~ floor^{x:.2}"));
        }
    }
    if let Some(path) = plot {
        let title = format!("Time per sample; threads: {threads}; what is not varied is as in shd");
        let panels = axes.iter().map(|(axis, points)| panel(*axis, points));
        let scaling = Scaling {
            title,
            panels: panels.collect(),
        };
        pictures::write(&scaling.figure(), path)?;
    }
    Ok(DONE)
}

/// The panel of an axis.
fn panel(axis: Axis, points: &[Point]) -> Panel {
    let size = |point: &Point| Size {
        size: point.size as f64,
        ms: point.ms(),
        floor_ms: point.floor_ms(),
    };
    let law = fit(points).map(|law| eventprop_report::Law {
        exponent: law.exponent,
        factor: law.factor,
    });
    Panel {
        axis: axis.name().to_owned(),
        sizes: points.iter().map(size).collect(),
        law,
    }
}

fn fit(points: &[Point]) -> Option<Law> {
    let both: Vec<(f64, f64)> = points.iter().map(|p| (p.floor_ms(), p.ms())).collect();
    Law::fit(&both)
}

fn point_line(point: &Point) -> String {
    let (ms, floor) = (point.ms(), point.floor_ms());
    let Measured {
        threads,
        hidden_rate,
        peak_memory_mb,
        ..
    } = point.measured;
    let memory = peak_memory_mb.map_or_else(String::new, |mb| format!("{mb:.0}"));
    format!(
        "{},{},{threads},{ms:.4},{floor:.4},{:.2},{hidden_rate:.2},{memory}",
        point.axis.name(),
        point.size,
        ms / floor
    )
}

fn text(workload: Workload, measured: &Measured) -> String {
    let rate = |rate: Rate| {
        let Rate {
            median,
            slowest,
            fastest,
        } = rate;
        format!("{median:.0} samples/s (median; {slowest:.0} to {fastest:.0})")
    };
    let floor = measured.floor_samples_per_second.map_or_else(
        || "none: the work is not adding rows on the processor".to_owned(),
        |floor| {
            format!(
                "{floor:.0} samples/s from this machine's own ceilings; training is {:.2} times slower",
                floor / measured.training.median
            )
        },
    );
    let mut lines = vec![
        format!("{}: {}", workload.name(), measured.shape.words()),
        format!(
            "  training    {}, {} threads, forward + adjoint + Adam",
            rate(measured.training),
            measured.threads
        ),
        format!(
            "  evaluation  {}, {:.2} times the training",
            rate(measured.evaluation),
            measured.evaluation.median / measured.training.median
        ),
        format!("  limit       {floor}"),
    ];
    if let Some(rate) = measured.training_per_cpu_second {
        lines.push(format!(
            "  processor   {rate:.0} samples trained per second of processor time"
        ));
    }
    if let Some(mb) = measured.peak_memory_mb {
        lines.push(format!(
            "  memory      {mb:.0} MB at most, with {} samples resident",
            measured.samples
        ));
    }
    lines.push(format!(
        "  activity    {:.2} spikes per hidden neuron and sample",
        measured.hidden_rate
    ));
    lines.join("\n")
}

fn to_json(workload: Workload, measured: &Measured) -> serde_json::Value {
    json!({
        "workload": workload.name(),
        "threads": measured.threads,
        "samples_per_second": measured.training.median,
        "slowest_samples_per_second": measured.training.slowest,
        "fastest_samples_per_second": measured.training.fastest,
        "samples_per_cpu_second": measured.training_per_cpu_second,
        "evaluation_samples_per_second": measured.evaluation.median,
        "floor_samples_per_second": measured.floor_samples_per_second,
        "ratio": measured.floor_samples_per_second.map(|floor| floor / measured.training.median),
        "hidden_spikes_per_neuron": measured.hidden_rate,
        "resident_samples": measured.samples,
        "peak_memory_mb": measured.peak_memory_mb,
    })
}
