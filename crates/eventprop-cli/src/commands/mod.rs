//! The subcommands, one file each.

mod bench;
mod completions;
mod data;
mod devices;
mod doctor;
mod encode_audio;
mod gradcheck;
mod man;
mod neuron;
mod options;
mod params;
mod plan;
pub mod ranks;
mod report;
mod resume;
mod run;
mod sweep;
mod table;
mod tune;

use clap::Subcommand;
use eventprop_experiment::run::Command as RunCommand;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train, select an epoch by validation, test it once at the end
    Train(run::Args),
    /// Test the weights of an earlier training
    Test(run::Args),
    /// Train on training and validation data together, then test
    #[command(name = "train_test", alias = "train-test")]
    TrainTest(run::Args),
    /// Cross-validate: hold out every fold once
    Xval(run::Args),
    /// Resume a run that was stopped or killed, with the same results
    Resume(resume::Args),
    /// Start many runs: a grid of parameters, or a random search
    Sweep(sweep::Args),
    /// Search for better parameters on validation data only
    Tune(tune::Args),
    /// Diagnose a network: silent, saturated or exploding layers
    Doctor(doctor::Args),
    /// Estimate time, memory and disk space of a training
    Plan(plan::Args),
    /// Check the gradient of a network against finite differences
    Gradcheck(gradcheck::Args),
    /// Measure the speed on this machine, and the limit it sets
    Bench(bench::Args),
    /// List the graphics cards, with the numbers that DEVICE takes
    Devices(devices::Args),
    /// List, fetch, verify or describe data sets
    Data(data::Args),
    /// Write a report on runs: curves, mistakes, spikes, weights
    Report(report::Args),
    /// Show a neuron model and its response to a step of current
    Neuron(neuron::Args),
    /// Show the parameters of a benchmark, or of a network
    Params(params::Args),
    /// Print the completions of a shell: `eventprop completions bash`
    Completions(completions::Args),
    /// Write manual pages into a folder
    Man(man::Args),
}

impl Command {
    /// Runs the command.
    pub fn run(self) -> u8 {
        match self {
            Self::Train(args) => args.run(RunCommand::Train),
            Self::Test(args) => args.run(RunCommand::Test),
            Self::TrainTest(args) => args.run(RunCommand::TrainTest),
            Self::Xval(args) => args.run(RunCommand::CrossValidate),
            Self::Resume(args) => args.run(),
            Self::Sweep(args) => args.run(),
            Self::Tune(args) => args.run(),
            Self::Doctor(args) => args.run(),
            Self::Plan(args) => args.run(),
            Self::Gradcheck(args) => args.run(),
            Self::Bench(args) => args.run(),
            Self::Devices(args) => args.run(),
            Self::Data(args) => args.run(),
            Self::Report(args) => args.run(),
            Self::Neuron(args) => args.run(),
            Self::Params(args) => args.run(),
            Self::Completions(args) => args.run(),
            Self::Man(args) => args.run(),
        }
    }
}
