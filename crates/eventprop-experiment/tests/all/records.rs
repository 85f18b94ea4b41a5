//! Layout of recordings.

use eventprop_data::formats::npz::Npz;
use eventprop_experiment::run::Command;
use eventprop_params::Benchmark;

use crate::{Trial, array};

#[test]
fn mnist_records_the_listed_trials() {
    let trial = Trial::new(
        Benchmark::Mnist,
        &[
            "REC_SPIKES=[input,hidden]",
            "REC_SPIKES_EPOCH_TRIAL=[[0,0],[1,1],[1,8]]",
            "REC_NEURONS=[[hidden,V],[output,lambda_V],[hidden,I]]",
            "REC_NEURONS_EPOCH_TRIAL=[[0,7],[1,0]]",
            "REC_SYNAPSES=[[in_to_hid,w],[hid_to_out,dw],[in_to_hid,in_syn]]",
            "REC_SYNAPSES_EPOCH_TRIAL=[[0,0],[0,7],[1,0]]",
            "W_OUTPUT_EPOCH_TRIAL=[[1,2]]",
        ],
    );
    // 250 training images: trials 0 to 6 of 32 and trial 7 of 26; validation of 50: trials 8 and 9.
    trial.run(Command::Train).expect("a run");
    spikes(&trial);
    neurons(&trial);
    synapses(&trial);
    assert_eq!(
        array(&trial.path("test_w_hidden_output_e1_t2.npy")).0,
        [200]
    );
}

fn spikes(trial: &Trial) {
    for population in ["input", "hidden"] {
        let (shape, times) = array(&trial.path(&format!("test_{population}_spike_t.npy")));
        let (id_shape, _) = array(&trial.path(&format!("test_{population}_spike_ID.npy")));
        assert_eq!(shape, id_shape);
        // Samples 0 to 31, 32 to 63, and 250 to 281 of an epoch, 20 ms each.
        let sample = |t: &f64| (t / 20.0).floor() as usize;
        let seen: std::collections::BTreeSet<usize> = times.iter().map(sample).collect();
        assert!(
            seen.iter().all(|s| *s < 64 || (250..282).contains(s)),
            "{seen:?}"
        );
        assert!(times.iter().all(|t| t % 1.0 == 0.0));
    }
    for name in ["test_spk_lbl.npy", "test_spk_pred.npy"] {
        assert_eq!(array(&trial.path(name)).0, [3 * 32]);
    }
}

fn neurons(trial: &Trial) {
    let (shape, v) = array(&trial.path("test_Vhidden.npy"));
    assert_eq!(shape, [40, 32, 20]);
    // The incomplete batch of 26 is filled with NaN.
    let sample = |step: usize, sample: usize| &v[(step * 32 + sample) * 20..][..20];
    assert!(sample(3, 25).iter().all(|v| v.is_finite()));
    assert!(sample(3, 26).iter().all(|v| v.is_nan()));
    assert!(sample(25, 31).iter().all(|v| v.is_finite()));
    let (shape, lambda) = array(&trial.path("test_lambda_Voutput.npy"));
    assert_eq!(shape, [40, 32, 10]);
    assert!(lambda.iter().any(|x| x.is_finite() && *x != 0.0));
    let times = array(&trial.path("test_n_t.npy")).1;
    assert_eq!([times[0], times[39]], [140.0, 19.0]);
    assert_eq!(array(&trial.path("test_n_lbl.npy")).0, [26 + 32]);
}

/// `[G1]`: weights stand still within a trial and change between trials; the gradients grow from the
/// last step to the first; the current of the only projection into the hidden layer is its I.
fn synapses(trial: &Trial) {
    let (shape, weights) = array(&trial.path("test_win_to_hid.npy"));
    assert_eq!(shape, [3 * 20, 784 * 20]);
    let row = |step: usize| &weights[step * 784 * 20..(step + 1) * 784 * 20];
    assert_eq!(row(0), row(19));
    assert_ne!(row(19), row(20));
    let (shape, gradients) = array(&trial.path("test_dwhid_to_out.npy"));
    assert_eq!(shape, [3 * 20, 32, 200]);
    let row = |step: usize, sample: usize| &gradients[(step * 32 + sample) * 200..][..200];
    assert!(row(19, 0).iter().all(|dw| *dw == 0.0));
    assert!(row(0, 0).iter().any(|dw| *dw != 0.0));
    // Trial 7 has 26 samples.
    assert!(row(20, 25).iter().all(|dw| dw.is_finite()));
    assert!(row(20, 26).iter().all(|dw| dw.is_nan()));
    // Trials (0, 7) and (1, 0) record neurons as well.
    let in_syn = array(&trial.path("test_in_synin_to_hid.npy")).1;
    let current = array(&trial.path("test_Ihidden.npy")).1;
    let later = &in_syn[20 * 32 * 20..];
    assert_eq!(later.len(), current.len());
    for (in_syn, current) in later.iter().zip(&current) {
        // 20 steps of single precision on sums of up to a hundred weights below one.
        let close = (in_syn - current).abs() < 1e-4;
        assert!(
            close || (in_syn.is_nan() && current.is_nan()),
            "{in_syn} {current}"
        );
    }
    let times = array(&trial.path("test_t.npy")).1;
    assert_eq!(
        [times[0], times[19], times[20], times[40]],
        [0.0, 19.0, 140.0, 0.0]
    );
}

/// Scripts of `genn_eventprop` ask for them with any loss; outputs that do not spike have none.
#[test]
fn first_spikes_are_written_for_losses_of_them_only() {
    for (loss, there) in [("first_spike_exp", true), ("sum", false)] {
        let loss = format!("LOSS_TYPE={loss}");
        let small = ["REC_FIRST_SPIKES=true", "N_TRAIN=32", "N_EPOCH=1", &loss];
        let trial = Trial::new(Benchmark::YinYang, &small);
        trial.run(Command::Train).expect("a run");
        assert_eq!(trial.path("all_nfst.npy").exists(), there, "{loss}");
    }
}

#[test]
fn yin_yang_records_the_first_sample_of_every_trial_and_all_first_spikes() {
    let trial = Trial::new(
        Benchmark::YinYang,
        &[
            "SOLVER=grid",
            "REC_SPIKES=[input]",
            "REC_NEURONS=[[output,V]]",
            "REC_FIRST_SPIKES=true",
            "N_TRAIN=65",
        ],
    );
    // 195 samples in trials of 32: 7 of training; 48 in 2 of validation.
    trial.run(Command::Train).expect("a run");
    let (shape, _) = array(&trial.path("input_spike_t.npy"));
    assert_eq!(shape, [2 * 9 * 5]);
    assert_eq!(array(&trial.path("Voutput.npy")).0, [2 * 9 * 300, 3]);
    let (shape, times) = array(&trial.path("all_nfst.npy"));
    assert_eq!(shape, [2 * 7, 32, 3]);
    let filled = times.iter().filter(|t| !t.is_nan()).count();
    assert_eq!(filled, 2 * 195 * 3);
    assert!(
        times
            .iter()
            .all(|t| t.is_nan() || (0.0..=30.0).contains(t) || *t == 31.0)
    );
    let (shape, labels) = array(&trial.path("training_labels.npy"));
    assert_eq!(shape, [195]);
    assert!(labels.iter().all(|label| [0.0, 1.0, 2.0].contains(label)));
}

#[test]
fn nothing_is_recorded_when_writing_is_off() {
    let trial = Trial::new(
        Benchmark::YinYang,
        &["REC_SPIKES=[input]", "WRITE_TO_DISK=false"],
    );
    trial.run(Command::Train).expect("a run");
    assert!(!trial.names().contains(&"input_spike_t.npy".to_owned()));
}

/// What is chosen of samples and neurons is what stands there when everything is recorded; one archive holds
/// what were files.
#[test]
fn chosen_samples_and_neurons_are_those_of_the_whole_recording() {
    let what = [
        "REC_SPIKES=[hidden]",
        "REC_SPIKES_EPOCH_TRIAL=[[0,7]]",
        "REC_NEURONS=[[hidden,V],[output,lambda_I]]",
        "REC_NEURONS_EPOCH_TRIAL=[[0,7]]",
        "REC_SYNAPSES=[[hid_to_out,dw]]",
        "REC_SYNAPSES_EPOCH_TRIAL=[[0,7]]",
        "N_EPOCH=1",
    ];
    let whole = Trial::new(Benchmark::Mnist, &what);
    whole.run(Command::Train).expect("a run");
    // Trial 7 has 26 samples and no sample 30.
    let chosen = [
        "REC_SAMPLES=[30,3,0]",
        "REC_NEURON_IDS={hidden:[7,2]}",
        "REC_FORMAT=npz",
    ];
    let chosen = Trial::new(Benchmark::Mnist, &[&what[..], &chosen].concat());
    chosen.run(Command::Train).expect("a run");
    assert!(!chosen.names().contains(&"test_Vhidden.npy".to_owned()));
    let archive = Npz::open(&chosen.path("test_records.npz")).expect("an archive");
    let numbers = |name| archive.numbers(&[name]).expect(name).1;

    let (_, all) = array(&whole.path("test_Vhidden.npy"));
    let found = numbers("Vhidden");
    assert_eq!(found.shape, [20, 3, 2]);
    let mut rows = found.values.chunks_exact(6).zip(all.chunks_exact(32 * 20));
    assert!(rows.all(|(found, all)| {
        let of = |sample: usize| [all[sample * 20 + 7], all[sample * 20 + 2]];
        found[..2].iter().all(|v| v.is_nan()) && found[2..4] == of(3) && found[4..] == of(0)
    }));
    assert_eq!(numbers("lambda_Ioutput").shape, [20, 3, 10]);
    let (_, all) = array(&whole.path("test_dwhid_to_out.npy"));
    let found = numbers("dwhid_to_out");
    assert_eq!(found.shape, [20, 3, 200]);
    assert_eq!(found.values[200..400], all[3 * 200..4 * 200]);

    // The spikes of samples 3 and 0, in this order, of neurons 7 and 2.
    let times = array(&whole.path("test_hidden_spike_t.npy")).1;
    let neurons = array(&whole.path("test_hidden_spike_ID.npy")).1;
    let first = 224;
    let of = |sample: usize| {
        let spikes = times.iter().copied().zip(neurons.iter().copied());
        spikes.filter(move |(time, neuron)| {
            (*time / 20.0).floor() as usize == first + sample && [7.0, 2.0].contains(neuron)
        })
    };
    let expected: Vec<(f64, f64)> = of(3).chain(of(0)).collect();
    let times = numbers("hidden_spike_t").values;
    let found: Vec<(f64, f64)> = times
        .into_iter()
        .zip(numbers("hidden_spike_ID").values)
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
    assert_eq!(numbers("n_lbl").shape, [2]);
}

/// `[F10]`, `[A7]`: B of an ALIF neuron is above 0 from its first spike on, and λ_B is recorded beside it.
#[test]
fn the_threshold_of_adapting_neurons_is_recorded() {
    let trial = Trial::new(
        Benchmark::Shd,
        &[
            "HIDDEN_NEURON_TYPE=ALIF",
            "N_EPOCH=1",
            "REC_SPIKES=[hidden0]",
            "REC_SPIKES_EPOCH_TRIAL=[[0,0]]",
            "REC_NEURONS=[[hidden0,B],[hidden0,lambda_B]]",
            "REC_NEURONS_EPOCH_TRIAL=[[0,0]]",
            "REC_SAMPLES=[0]",
        ],
    );
    trial.run(Command::Train).expect("a run");
    let (shape, raised) = array(&trial.path("test_Bhidden0.npy"));
    assert_eq!(shape, [60, 1, 16]);
    let times = array(&trial.path("test_hidden0_spike_t.npy")).1;
    let neurons = array(&trial.path("test_hidden0_spike_ID.npy")).1;
    assert!(!times.is_empty());
    for neuron in 0..16 {
        let spikes = neurons.iter().zip(&times);
        let first = spikes
            .filter(|(n, _)| **n == f64::from(neuron as u32))
            .map(|(_, t)| *t);
        let first = first.fold(f64::INFINITY, f64::min);
        for (step, row) in raised.chunks_exact(16).enumerate() {
            let spiked = step as f64 * 10.0 >= first;
            assert_eq!(row[neuron] > 0.0, spiked, "neuron {neuron}, step {step}");
        }
    }
    let (shape, lambda) = array(&trial.path("test_lambda_Bhidden0.npy"));
    assert_eq!(shape, [60, 1, 16]);
    assert!(lambda.iter().all(|x| x.is_finite()) && lambda.iter().any(|x| *x != 0.0));
}

#[test]
fn what_cannot_be_recorded_is_refused() {
    for (assignments, words) in [
        (&["REC_SAMPLES=[32]"][..], "N_BATCH=32 has no place 32"),
        (
            &["REC_NEURON_IDS={hidden:[20]}"],
            "hidden has 20 neurons and no neuron 20",
        ),
        (&["REC_NEURON_IDS={output:[10]}"], "choose from 0 to 9"),
        (&["REC_NEURON_IDS={hiden:[0]}"], "no population hiden"),
        (&["REC_NEURONS=[[hidden,B]]"], "hidden has no variable B"),
    ] {
        let trial = Trial::new(Benchmark::Mnist, assignments);
        let error = trial.run(Command::Train).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}
