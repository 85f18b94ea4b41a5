"""Scripts that were written for `genn_eventprop` run as they are."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest
from eventprop import simulator_DVS_gesture, simulator_MNIST, simulator_SHD, simulator_SMNIST, simulator_yinyang
from eventprop.parameters import Parameters


def script(code: str, folder: Path, **env: str) -> str:
    """Runs a script with the folder that `python -m eventprop.compat` prints on PYTHONPATH."""
    found = subprocess.run([sys.executable, "-m", "eventprop.compat"], capture_output=True, text=True, check=True)
    path = found.stdout.strip()
    assert os.path.isfile(os.path.join(path, "simulator_MNIST.py"))
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path, "XDG_CACHE_HOME": str(folder)} | env,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_script_on_yinyang(tmp_path: Path) -> None:
    out = script(
        """
        import warnings
        warnings.simplefilter("ignore")
        from simulator_yinyang import *
        import json

        p["NAME"] = "yy"
        p["N_BATCH"] = 16
        p["N_TRAIN"] = 64
        p["N_TEST"] = 32
        p["N_VALIDATE"] = 16
        p["N_EPOCHS"] = 2
        p["NUM_HIDDEN"] = 30
        p["DT_MS"] = 0.5
        p["REC_SPIKES"] = ["input", "hidden"]
        p["REC_NEURONS"] = [("hidden", "V")]
        with open("yy_params.json", "w") as f:
            json.dump(p, f)
        mn = yinyang(p)
        spike_t, spike_ID, rec_vars_n, rec_vars_s, correct = mn.train(p)
        assert spike_t["hidden"].shape == spike_ID["hidden"].shape and len(spike_t["input"]) > 0
        assert rec_vars_n["Vhidden"].shape[1] == 30
        assert rec_vars_s == {}
        print(correct)
        *_, tested = mn.test(p)
        print(tested)
        """,
        tmp_path,
    )
    lines = out.splitlines()
    assert "epoch   2/2" in out
    assert 0.0 < float(lines[-1]) <= 1.0
    read = json.loads((tmp_path / "yy_params.json").read_text())
    assert read["N_EPOCH"] == 2 and read["NUM_HIDDEN"] == 30
    rows = np.loadtxt(tmp_path / "yy_results.txt")
    assert rows.shape == (2, 4)
    assert (tmp_path / "w_input_hidden_last.npy").exists() and (tmp_path / "hidden_spike_t.npy").exists()


def test_a_script_on_mnist(tmp_path: Path) -> None:
    out = script(
        """
        import warnings
        warnings.simplefilter("ignore")
        from simulator_MNIST import *

        p["TRIAL_MS"] = 20.0
        p["LOSS_TYPE"] = "max"
        p["N_EPOCH"] = 1
        p["NUM_HIDDEN"] = 20
        p["OUT_DIR"] = "runs"
        p["REC_SPIKES"] = ["hidden"]
        p["REC_SPIKES_EPOCH_TRIAL"] = [[0, 0]]
        p["WRITE_TO_DISK"] = False
        mn = mnist_model(p)
        spike_t, spike_ID, rec_n, rec_s, train, evaluated = mn.train(p)
        assert list(spike_t) == ["hidden"] and len(spike_t["hidden"]) > 0
        print(train, evaluated)
        result = mn.train_test(p)
        assert len(result) == 6 and result[5] == mn.summary["test_accuracy"]
        *_, train, tested = mn.test(p)
        assert train == 0.0
        p["N_FOLDS"] = 2
        accuracies, seconds = mn.cross_validate(p)
        assert len(accuracies) == len(seconds) == 2 and len(accuracies[0]) == 2
        """,
        tmp_path,
        EVENTPROP_DATA=str(tmp_path),
    )
    train, evaluated = map(float, out.splitlines()[out.splitlines().index(_line_of(out))].split())
    assert 0.0 <= train <= 1.0 and 0.0 <= evaluated <= 1.0
    assert not list((tmp_path / "runs").glob("*spike*"))


# With these the few spikes of `write_words` make hidden neurons fire, which then learn at once.
FIRING = {"INPUT_HIDDEN_MEAN": 0.5, "INPUT_HIDDEN_STD": 1.0, "LR_EASE_IN_FACTOR": 10.0, "ETA": 0.01}


def write_words(folder: Path, train: int = 600, test: int = 20) -> None:
    """Files in the layout of SHD: in class c the channels from 30 c on spike, from c % 5 ms on."""
    rng = np.random.default_rng(1)
    for name, size in (("shd_train.h5", train), ("shd_test.h5", test)):
        labels = np.arange(size) % 20
        samples = [(label % 5 + rng.uniform(0, 60, 30), 30 * label + np.arange(30)) for label in labels]
        spikes = ep.Spikes(samples, labels)
        spikes.to_hdf5(folder / name, speakers=np.arange(size) // 20 % 4, names=map(str, range(20)))


def test_the_example_of_the_reference_on_spoken_words(tmp_path: Path) -> None:
    """`genn_eventprop`'s README has TRAIL_MS; a script uses `os` without importing it, and reads a JSON of parameters."""
    write_words(tmp_path)
    (tmp_path / "given.json").write_text(json.dumps({"N_EPOCH": 2, "NUM_HIDDEN": 30, **FIRING, "CUDA_VISIBLE_DEVICES": False}))
    out = script(
        """
        from simulator_SHD import *
        import json

        p["TRAIL_MS"] = 100
        with open("given.json") as f:
            for name, value in json.load(f).items():
                p[name] = value
        with open(os.path.join(p["OUT_DIR"], "words.json"), "w") as f:
            json.dump(p, f)
        mn = SHD_model(p)
        mn.train(p)
        assert mn.summary["epochs"] == 2, mn.summary

        p["N_TRAIN"] = 8156
        p["N_VALIDATE"] = 0
        mn = SHD_model(p, manual_GPU=0)
        spike_t, spike_ID, rec_vars_n, rec_vars_s, correct, correct_eval = mn.train_test(p)
        print(correct, correct_eval)
        """,
        tmp_path,
        EVENTPROP_DATA=str(tmp_path),
    )
    assert "88 training, 512 validation, 20 test samples" in out
    assert "600 training, 0 validation, 20 test samples" in out
    assert json.loads((tmp_path / "words.json").read_text())["TRIAL_MS"] == 100.0
    correct, evaluated = map(float, out.splitlines()[-1].split())
    # Chance is 5 %, and every class has channels of its own.
    assert correct > 0.2 and evaluated > 0.2
    rows = np.loadtxt(tmp_path / "test_results.txt")
    assert rows.shape == (4, 6)


def test_spoken_words_leave_out_one_speaker_after_the_other(tmp_path: Path) -> None:
    write_words(tmp_path, train=80)
    p = simulator_SHD.p.copy()
    p.update(TRIAL_MS=100.0, N_EPOCH=1, NUM_HIDDEN=10, OUT_DIR=str(tmp_path), EVALUATION="speaker", RECURRENT=True)
    p.update(REC_SPIKES=["hidden0"], REC_SPIKES_EPOCH_TRIAL=[[0, 0]], REC_NEURONS=[("output", "V")])
    p.update(REC_NEURONS_EPOCH_TRIAL=[[0, 1]], CHECKPOINT_BEST="training", **FIRING)
    model = simulator_SHD.SHD_model(p, data_dir=tmp_path)
    accuracies, seconds = model.cross_validate_SHD(p)
    assert len(accuracies) == len(seconds) == 4 and all(len(pair) == 2 for pair in accuracies)
    spike_t, spike_ID, neurons, synapses, train, evaluated = model.train(p)
    assert list(spike_t) == list(spike_ID) == ["hidden0"] and synapses == {}
    assert neurons["Voutput"].shape == (100, 32, 20)
    assert 0.0 <= train <= 1.0 and 0.0 <= evaluated <= 1.0
    *_, none, tested = model.test(p)
    assert none == 0.0 and tested == model.summary["test_accuracy"]


def test_the_last_epoch_is_returned_even_if_another_is_tested(tmp_path: Path) -> None:
    write_words(tmp_path, train=80)
    p = simulator_SHD.p.copy()
    p.update(TRIAL_MS=100.0, N_EPOCH=3, NUM_HIDDEN=10, OUT_DIR=str(tmp_path), N_VALIDATE=20)
    p.update(CHECKPOINT_BEST="validation", **FIRING)
    result = simulator_SHD.SHD_model(p, data_dir=tmp_path).train(p)
    epochs = [json.loads(line) for line in (tmp_path / "test_metrics.jsonl").read_text().splitlines()]
    assert result[4:] == (epochs[-1]["train_accuracy"], epochs[-1]["evaluation_accuracy"])


def test_synthetic_words_and_speech_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTPROP_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    p = simulator_SHD.p.copy()
    p.update(N_EPOCH=1, NUM_HIDDEN=10, OUT_DIR=str(tmp_path), DT_MS=20.0, N_TRAIN=40, N_VALIDATE=20, N_TEST=20)
    p.update(DATA_SET="synthetic", MODEL_SEED=1, INPUT_HIDDEN_MEAN=0.05, INPUT_HIDDEN_STD=0.05)
    assert len(simulator_SHD.SHD_model(p).train(p)) == 6
    p.update(DATA_SET="SSC", EVALUATION="validation_set")
    with pytest.warns(UserWarning, match="DEMONSTRATION: SSC is not on this computer"):
        simulator_SHD.SHD_model(p).train(p)


def test_scripts_on_sequences_and_gestures(tmp_path: Path) -> None:
    out = script(
        """
        import warnings
        warnings.simplefilter("ignore")
        import simulator_SMNIST
        from simulator_DVS_gesture import *

        for model, q in ((simulator_SMNIST.SMNIST_model, simulator_SMNIST.p), (DVSG_model, p)):
            q["N_EPOCH"] = 1
            q["NUM_HIDDEN"] = 10
            q["RECURRENT"] = True
            q["DT_MS"] = 20.0
            q["TRIAL_MS"] = 600.0
            q["N_TRAIN"] = 64
            q["N_VALIDATE"] = 20
            q["REG_TYPE"] = "simple"
            q["NAME"] = model.__name__
            mn = model(q)
            spike_t, spike_ID, rec_vars_n, rec_vars_s, correct, correct_eval = mn.train(q)
            *_, tested = mn.test(q)
            print(model.__name__, correct, correct_eval, tested)
        """,
        tmp_path,
        EVENTPROP_DATA=str(tmp_path),
    )
    assert "99-10-10" in out and "2048-10-11" in out
    for name in ("SMNIST_model", "DVSG_model"):
        line = next(line for line in out.splitlines() if line.startswith(name))
        assert all(0.0 <= float(word) <= 1.0 for word in line.split()[1:])
        assert np.loadtxt(tmp_path / f"{name}_results.txt").shape == (5,)


def test_defaults_of_sequences_and_gestures() -> None:
    p, q = simulator_SMNIST.p, simulator_DVS_gesture.p
    assert (p["TRIAL_MS"], p["N_TRAIN"], p["TAU_MEM_OUTPUT"]) == (1568.0, 55000, 20.0)
    assert (q["TRIAL_MS"], q["N_TRAIN"], q["N_MAX_SPIKE"]) == (18000.0, 1045, 3000)
    for module in (p, q):
        with pytest.raises(KeyError, match="did you mean REWIRE_SILENT"):
            module["REWIRE_SILEND"] = True


def _line_of(out: str) -> str:
    """The line with the two accuracies that the script printed."""
    return next(line for line in out.splitlines() if line.replace(".", "").replace(" ", "").isdigit())


def test_recording_of_variables_takes_the_solver_that_has_steps(tmp_path: Path) -> None:
    p = simulator_yinyang.p.copy()
    p.update(OUT_DIR=str(tmp_path), N_TRAIN=16, N_BATCH=8, N_VALIDATE=0, N_TEST=8, N_EPOCH=1, REC_NEURONS=[["output", "V"]])
    with pytest.warns(UserWarning, match="SOLVER=grid"):
        _, _, neurons, _, _ = simulator_yinyang.yinyang(p).train(p)
    assert neurons["Voutput"].shape[1] == 3
    assert p["SOLVER"] == "event"


def test_p_takes_what_the_table_takes() -> None:
    p = Parameters("mnist")
    assert p["NUM_HIDDEN"] == 128 and p["N_EPOCH"] == 20 and p["TRAIN_DATA_SEED"] == 123
    with pytest.warns(UserWarning, match="TRAIL_MS is taken for TRIAL_MS; genn_eventprop ignores TRAIL_MS") as warned:
        p["TRAIL_MS"] = 30
    assert warned[0].filename == __file__
    assert p["TRIAL_MS"] == 30.0 == p["TRAIL_MS"] and "TRAIL_MS" not in p
    with pytest.warns(UserWarning, match="TRAIL_MS is taken for TRIAL_MS"):
        simulator_MNIST.mnist_model({"TRAIL_MS": 30})
    p.update({"ETA": np.float32(0.5)}, N_BATCH=np.int64(8))
    assert p["ETA"] == 0.5 and type(p["N_BATCH"]) is int
    assert p.copy() == p and isinstance(p.copy(), Parameters)
    assert pickle.loads(pickle.dumps(p)) == p
    assert json.loads(json.dumps(p))["N_BATCH"] == 8
    assert "learning rate" in p.describe("ETA")
    p["BUILD"] = False  # accepted, without effect


BAD: list[tuple[Any, Any, type[Exception], str]] = [
    ("NUM_HIDEN", 3, KeyError, "did you mean NUM_HIDDEN"),
    ("NUM_HIDDEN", 0, ValueError, "NUM_HIDDEN=0 is not possible; NUM_HIDDEN takes a whole number of at least 1"),
    ("ETA", "fast", ValueError, "ETA=fast is not possible"),
    ("ETA", float("nan"), ValueError, "ETA"),
    ("LOSS_TYPE", "summ", ValueError, "LOSS_TYPE=summ"),
    ("ETA", object(), TypeError, "ETA is a object"),
]


@pytest.mark.parametrize(("key", "value", "kind", "text"), BAD)
def test_p_refuses_what_the_table_refuses(key: str, value: Any, kind: type[Exception], text: str) -> None:
    p = Parameters("mnist")
    before = dict(p)
    for action in (
        lambda: p.__setitem__(key, value),
        lambda: p.update({key: value}),
        lambda: simulator_MNIST.mnist_model({key: value}),
        lambda: simulator_MNIST.mnist_model(p).train({key: value}),
    ):
        with pytest.raises(kind, match=text):
            action()
    assert dict(p) == before
    with pytest.raises(KeyError, match="did you mean"):
        p["NUM_HIDEN"]


def test_values_that_exclude_each_other(tmp_path: Path) -> None:
    p = simulator_yinyang.p | {"OUT_DIR": str(tmp_path), "LOSS_TYPE": "first_spike", "REC_SPIKES": ["nobody"]}
    with pytest.raises(ValueError, match="REC_SPIKES"):
        simulator_yinyang.yinyang(p).train(p)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    p = simulator_yinyang.p.copy()
    p["OUT_DIR"] = str(tmp_path / "file")
    with pytest.raises(OSError, match="output folder"):
        simulator_yinyang.yinyang(p).train(p)


def test_a_default_that_follows_another_key_stays_what_p_says() -> None:
    """As in `genn_eventprop`: N_TRAIN is 1000 N_BATCH when `p` is made, and does not follow later."""
    p = Parameters("yinyang")
    p["N_BATCH"] = 8
    assert p["N_TRAIN"] == 32000


def checkout(folder: Path) -> None:
    """A script beside the module of the same name that `genn_eventprop` has."""
    (folder / "simulator_MNIST.py").write_text("raise ModuleNotFoundError('pygenn')\n")
    (folder / "train_MNIST.py").write_text(
        "import sys\nfrom simulator_MNIST import *\nprint(mnist_model.__module__, sys.argv[1:], __name__)\n"
    )


def test_a_script_runs_inside_of_a_checkout(tmp_path: Path) -> None:
    checkout(tmp_path)
    from eventprop.compat import folder

    for arguments, env in (
        (["-m", "eventprop.compat", "train_MNIST.py", "a.json", "7"], os.environ),
        (["train_MNIST.py", "a.json", "7"], os.environ | {"PYTHONPATH": folder()}),
    ):
        command = [sys.executable, *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env)
        assert ended.returncode == 0, ended.stderr
        assert ended.stdout.strip() == "eventprop.simulator_MNIST ['a.json', '7'] __main__"
    command = [sys.executable, "-m", "eventprop.compat", "absent.py"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 1 and "absent.py is no file" in ended.stderr


def test_values_as_python_users_write_them() -> None:
    p = Parameters("shd")
    nested: list[Any] = []
    nested.append(nested)
    for key, value, kept in (
        ("N_TRAIN", 7644.0, 7644),
        ("N_TRAIN", np.float64(7644), 7644),
        ("ETA", np.array(1e-3), 1e-3),
        ("MODEL_SEED", np.int32(3), 3),
        ("SHUFFLE", np.bool_(False), False),
        ("SPEAKER_LEFT", range(3), [0, 1, 2]),
        ("SPEAKER_LEFT", np.arange(3), [0, 1, 2]),
        ("AUGMENTATION", [], {}),
        ("AUGMENTATION", None, {}),
        ("AUGMENTATION", {"blend": np.array([0.5, 0.5])}, {"blend": [0.5, 0.5]}),
        ("REC_SPIKES", None, []),
        ("REDUCED_CLASSES", [], None),
        ("OUT_DIR", Path("a") / "b", os.path.join("a", "b")),
    ):
        p[key] = value
        assert p[key] == kept and type(p[key]) is type(kept), key
    for key, value, kind in (
        ("N_EPOCH", 2**70, ValueError),
        ("N_EPOCH", 2.5, ValueError),
        ("ETA", 1j, TypeError),
        ("ETA", object(), TypeError),
        ("NAME", b"name", TypeError),
        ("AUGMENTATION", {1: 2.0}, TypeError),
        ("REC_SPIKES", nested, TypeError),
    ):
        with pytest.raises(kind, match=key):
            p[key] = value
    assert ep.Network(dt=1.0, trial=20.0).add_input("in", 5.0).size == 5
    with pytest.raises(ValueError, match="^train=-1 is not possible; train takes"):
        ep.data.shd(train=-1)


def test_keys_that_nothing_reads_are_taken(tmp_path: Path) -> None:
    for benchmark in ("mnist", "shd", "yinyang", "custom"):
        p = Parameters(benchmark)
        for key in ("DEBUG", "TRAIN_TAUM", "SUPER_BATCH"):
            p[key] = False
            assert p[key] is False
    p = Parameters("yinyang", {"N_TRAIN": 10, "N_VALIDATE": 5, "N_TEST": 5, "N_BATCH": 5, "DEBUG": True})
    with pytest.warns(UserWarning, match="DEBUG has no effect"):
        simulator_yinyang.yinyang({**p, "N_EPOCH": 0, "OUT_DIR": str(tmp_path)}).train()
    with pytest.raises(ValueError, match="NUM_INPUT=4 is not possible: the data and their code give 5"):
        ep.data.benchmark("yinyang", {"N_BATCH": 1, "N_TRAIN": 1, "N_VALIDATE": 1, "N_TEST": 1, "NUM_INPUT": 4})


def test_parameters_written_with_one_simulator_are_read_into_another() -> None:
    written = Parameters("mnist")
    written["DATASET"] = "SHD"
    written["AUGMENTATION"] = {}
    written["AUGMENTATION"]["random_shift"] = 20.0
    p = Parameters("shd")
    with pytest.warns(UserWarning, match="is left out: shd does not have it"):
        p.update(json.loads(json.dumps(written)))
    assert p["AUGMENTATION"] == {"random_shift": 20.0} and p["DATA_SET"] == "SHD"
    assert "SELECT" not in p and "INPUT_MS" not in p
    with pytest.raises(KeyError, match="SELECT"):
        p["SELECT"] = "last"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        p["DATASET"] = "SHD"
    with pytest.warns(UserWarning, match="DATASET is taken for DATA_SET"):
        p["DATASET"] = "SSC"


def test_examples_are_drawn_elsewhere() -> None:
    with pytest.raises(NotImplementedError, match="eventprop.plot.raster"):
        simulator_SHD.SHD_model(simulator_SHD.p).plot_examples([0], 1, 10, "train")
