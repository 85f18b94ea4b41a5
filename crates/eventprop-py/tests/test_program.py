"""What a program that uses the package relies on: start-up, memory, signals, processes, types."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import eventprop as ep
import pytest

SAMPLE = '''
import numpy as np
import numpy.typing as npt

import eventprop as ep

net = ep.Network(dt=1.0, trial=20.0, seed=1)
x: ep.Population = net.add_input("in", 2)
h = net.add_alif("hid", 4, tau_b=50.0, trainable={"tau_mem": 3.0})
y = net.add_li("out", 2)
name: str = net.connect(x, h, ep.Normal(4.0, 1.0), delay=1.0)
net.connect(h, y, np.zeros((4, 2)))
batch = ep.Spikes([([1.0, 2.0], [0, 1])], labels=[1])
part: ep.Spikes = batch[:1]
times, neurons = batch[0]
r: ep.Evaluation = net.evaluate(batch, ep.loss.Max(), solver="grid64", gradient=True)
g: npt.NDArray[np.float32] = r.gradients[name]
history: ep.History = net.fit(batch, batch, optimizer=ep.Adam(lambda epoch: 0.1), callbacks=[lambda e: e.epoch > 3])
losses: npt.NDArray[np.float64] = history["loss"]
first: ep.Epoch = history[0]
parts: ep.data.Parts = ep.data.yinyang(train=3, validation=3, test=3)
table: ep.GradientReport = ep.gradcheck(net, batch)
net.params["hid->out"] = np.ones((4, 2))
'''


def run(code: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, **kwargs)  # type: ignore[call-overload, no-any-return]


def program(*words: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eventprop", *words]
    return subprocess.run(command, capture_output=True, text=True, **kwargs)  # type: ignore[call-overload, no-any-return]


def test_the_program_comes_with_the_package(tmp_path: Path) -> None:
    shown = program("--version")
    assert (shown.returncode, shown.stdout.strip()) == (0, f"eventprop {ep.__version__}")
    refused = program("train", "yinyang", "NUM_HIDEN=3", "--json")
    assert refused.returncode == 2 and "did you mean NUM_HIDDEN" in refused.stderr
    assert json.loads(refused.stdout)["exit_code"] == 2
    unknown = program("trian", "--json")
    assert unknown.returncode == 2 and json.loads(unknown.stdout)["exit_code"] == 2
    small = ["NUM_HIDDEN=5", "N_TRAIN=6", "N_VALIDATE=3", "N_TEST=3", "N_BATCH=3", "N_EPOCH=1"]
    done = program("train", "yinyang", *small, "--quiet", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["epochs"] == 1


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_the_program_hears_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "eventprop", "train", "yinyang", "N_EPOCH=100000"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(1.0)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 130, out + err
    assert "KeyboardInterrupt" not in err, err


def test_import_brings_nothing_heavy_but_numpy() -> None:
    """What makes the import quick (0.13 s of processor time, two thirds of it NumPy's) and can be tested without a clock."""
    ended = run(
        """
        import sys
        import eventprop
        heavy = {"matplotlib", "sklearn", "torch", "scipy", "IPython", "h5py"} & set(sys.modules)
        assert not heavy, heavy
        """
    )
    assert ended.returncode == 0, ended.stderr


def test_memory_is_flat_over_many_evaluations(task: tuple[ep.Network, ep.Spikes]) -> None:
    """200 evaluations of 32 samples; one that was kept would be 60 kB of records alone, 12 MB in all."""
    net, batch = task

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    if not Path("/proc/self/statm").exists():
        pytest.skip("no /proc/self/statm here to read the memory from")
    for _ in range(50):
        net.evaluate(batch, "sum", gradient=True, record=["hid.V", "hid.lambda_V", "out.V"])
    before = resident()
    for _ in range(200):
        net.evaluate(batch, "sum", gradient=True, record=["hid.V", "hid.lambda_V", "out.V"])
    assert resident() - before < 4 << 20


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize("what", ["fit", "run", "evaluate", "gradcheck", "load"])
def test_ctrl_c_stops_what_takes_long_within_a_second(what: str, tmp_path: Path) -> None:
    script = """
        from eventprop.simulator_yinyang import p, yinyang
        p.update({sizes})
        model = yinyang(p)
        print("go", flush=True)
        try:
            model.train(p)
        except KeyboardInterrupt:
            print("stopped", flush=True)
    """
    code = {
        "fit": """
            net = ep.Network(1.0, 20.0)
            net.add_input("in", 5); net.add_lif("hid", 50); net.add_li("out", 3)
            net.connect("in", "hid", ep.Normal(2.0, 1.0)); net.connect("hid", "out", ep.Normal(0.0, 0.3))
            before = net.params["hid->out"]
            data = ep.data.yinyang(train=3000, dt=1.0, trial=20.0).train
            print("go", flush=True)
            try:
                net.fit(data, epochs=100000, loss="sum")
            except KeyboardInterrupt:
                assert (net.params["hid->out"] != before).any()
                print("stopped", flush=True)
        """,
        "run": script.format(sizes="N_EPOCH=100000, N_TRAIN=1000, N_VALIDATE=0, N_TEST=32, NUM_HIDDEN=20, DT_MS=1.0"),
        "evaluate": """
            r = np.random.default_rng(0)
            net = ep.Network(dt=0.1, trial=20.0)
            net.add_input("in", 20); net.add_lif("hid", 200); net.add_li("out", 5)
            net.connect("in", "hid", ep.Normal(2.0, 1.0)); net.connect("hid", "out", ep.Normal(0.0, 0.5))
            one = (np.sort(r.uniform(0, 19, 30)), r.integers(0, 20, 30))
            batch = ep.Spikes([one] * 20000, labels=np.zeros(20000, int))
            print("go", flush=True)
            try:
                net.evaluate(batch, "max", gradient=True)
            except KeyboardInterrupt:
                print("stopped", flush=True)
        """,
        "gradcheck": """
            net = ep.Network(dt=1.0, trial=20.0)
            net.add_input("in", 5); net.add_lif("hid", 100); net.add_li("out", 3)
            net.connect("in", "hid", ep.Normal(2.0, 1.0)); net.connect("hid", "out", ep.Normal(0.0, 0.3))
            batch = ep.data.yinyang(train=600, dt=1.0, trial=20.0).train
            print("go", flush=True)
            try:
                ep.gradcheck(net, batch, "sum", per_projection=1000)
            except KeyboardInterrupt:
                print("stopped", flush=True)
        """,
        "load": script.format(sizes="N_TRAIN=20_000_000, NUM_HIDDEN=20"),
    }[what]
    # A program that a shell started in the background ignores Ctrl-C, and so do its children: not this one.
    listen = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    code = listen + "import eventprop as ep\nimport numpy as np\n" + textwrap.dedent(code)
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    assert program.stdout is not None
    assert program.stdout.readline() == "go\n"
    time.sleep(0.3 if what == "load" else 1.0)
    sent = time.monotonic()
    program.send_signal(signal.SIGINT)
    rest, _ = program.communicate(timeout=60)
    assert "stopped" in rest and program.returncode == 0
    # A second on an idle machine; ten leave room for one that is busy with other tests.
    assert time.monotonic() - sent < 10
    if what == "run":
        assert (tmp_path / "w_hidden_output_last.npy").exists()
    if what == "load":
        assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes of Unix")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
# JAX, where its tests ran before in this process, warns of what the child would do with it.
@pytest.mark.filterwarnings("ignore:os.fork.*:RuntimeWarning")
def test_a_forked_process_computes_too(task: tuple[ep.Network, ep.Spikes]) -> None:
    net, batch = task
    expected = net.evaluate(batch, "sum").loss
    child = os.fork()
    if child == 0:
        os._exit(0 if net.evaluate(batch, "sum").loss == expected else 1)
    for _ in range(600):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.1)
    else:
        os.kill(child, signal.SIGKILL)
        pytest.fail("the forked process hangs")
    assert status == 0


def test_a_sample_program_passes_mypy_strict(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "sample.py").write_text(SAMPLE)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "sample.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    exec(compile(SAMPLE, "sample.py", "exec"), {})


def test_the_package_itself_passes_mypy_strict(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "-p", "eventprop"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_examples_in_the_documentation_run() -> None:
    import doctest
    import importlib.util
    import pkgutil

    tried = 0
    for module in pkgutil.walk_packages(ep.__path__, "eventprop."):
        if module.name in ("eventprop._engine", "eventprop.estimators", "eventprop.__main__") or ".compat." in module.name:
            continue
        needed = {"eventprop.torch": "torch", "eventprop.jax": "jax", "eventprop.nir": "nir"}.get(module.name)
        if needed is not None and importlib.util.find_spec(needed) is None:
            continue
        found = doctest.testmod(importlib.import_module(module.name))
        assert found.failed == 0
        tried += found.attempted
    assert tried > 10
