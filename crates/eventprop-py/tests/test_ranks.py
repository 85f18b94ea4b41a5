"""A training of several processes under `mpirun`: the bits of one process, and what happens when one fails."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest

SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
import eventprop as ep
from test_ranks import digest, trained
ranks = ep.MPI()
net = trained(ranks, {arguments})
# A file for each rank: mpirun may mix the lines that ranks print at the same time.
Path(f"rank{{ranks.rank}}").write_text(f"{{ranks.size}} {{digest(net)}}")
"""


def trained(reduce: Any, solver: str = "grid", eta: float = 0.01, fails: int = -1) -> ep.Network:
    """A network of trained delays with regularisers, on batches that are shared and one at the end that is smaller."""
    net = ep.Network(dt=0.1, trial=40.0, seed=3)
    net.add_input("in", 6)
    net.add_lif("hid", 20, tau_mem=20.0, tau_syn=5.0)
    net.add_lif("out", 2, tau_mem=20.0, tau_syn=5.0)
    net.connect("in", "hid", delay=ep.Delay(2.0, most=5.0, by="source"))
    net.connect("hid", "out", ep.Normal(0.5, 0.1))
    random = np.random.default_rng(5)
    samples = [(np.sort(random.uniform(0.0, 30.0, 12)), random.integers(0, 6, 12)) for _ in range(44)]
    spikes = ep.Spikes(samples, labels=[k % 2 for k in range(44)])

    def stop(epoch: ep.Epoch) -> bool:
        if fails >= 0 and isinstance(reduce, ep.MPI) and reduce.rank == fails:
            raise LookupError("this rank fails")
        # One rank alone asks for the end.
        first = not isinstance(reduce, ep.MPI) or reduce.rank == reduce.size - 1
        return first and epoch.epoch == 1

    net.fit(
        spikes[:36],
        spikes[36:],
        epochs=5,
        batch_size=16,
        loss=ep.loss.FirstSpike(alpha=0.1),
        optimizer=ep.Adam(eta),
        regularizer=ep.Regularizer(nu=2.0, lbd_upper=0.1, lbd_lower=0.1),
        solver=solver,
        callbacks=[stop],
        reduce=reduce,
    )
    return net


def digest(net: ep.Network) -> str:
    """The bits of all parameters."""
    total = hashlib.sha256()
    for name in net.params:
        total.update(np.ascontiguousarray(net.params[name]).tobytes())
    return total.hexdigest()


def run(folder: Path, ranks: list[tuple[int, str]]) -> subprocess.CompletedProcess[str]:
    """Groups of ranks with the arguments of their training."""
    pytest.importorskip("mpi4py", reason="skipped: no mpi4py")
    launcher = shutil.which("mpirun")
    if launcher is None:
        pytest.skip("skipped: no mpirun")
    words = [launcher]
    for index, (count, arguments) in enumerate(ranks):
        script = folder / f"train{index}.py"
        script.write_text(SCRIPT.format(here=str(Path(__file__).parent), arguments=arguments))
        words += [":"] * (index > 0) + ["-n", str(count), sys.executable, "-m", "mpi4py", str(script)]
    environment = {
        **os.environ,
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
        "RAYON_NUM_THREADS": "1",
    }
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=180)


@pytest.mark.parametrize("solver", ["grid", "event"])
def test_ranks_give_the_bits_of_one_process(tmp_path: Path, solver: str) -> None:
    one = digest(trained(None, solver))
    for ranks in (1, 3):
        ended = run(tmp_path, [(ranks, f"{solver!r}")])
        assert ended.returncode == 0, ended.stderr
        wrote = [(tmp_path / f"rank{rank}").read_text() for rank in range(ranks)]
        assert wrote == [f"{ranks} {one}"] * ranks


def test_a_rank_that_fails_ends_all(tmp_path: Path) -> None:
    ended = run(tmp_path, [(3, "fails=1")])
    assert ended.returncode != 0
    assert "LookupError: this rank fails" in ended.stderr


def test_ranks_that_are_unlike_are_refused_with_the_difference(tmp_path: Path) -> None:
    ended = run(tmp_path, [(1, "eta=0.01"), (1, "eta=0.02")])
    assert ended.returncode != 0
    assert "0.02" in ended.stderr and "give all ranks the same network, data and arguments" in ended.stderr


def test_what_is_no_communicator_is_refused() -> None:
    net = ep.Network(dt=1.0, trial=20.0, seed=1)
    net.add_input("in", 1)
    net.add_li("out", 2)
    net.connect("in", "out", ep.Normal(1.0, 0.1))
    spikes = ep.Spikes([([1.0], [0]), ([2.0], [0])], labels=[0, 1])
    with pytest.raises(TypeError, match=r"reduce is 3; expected ep.MPI\(comm\) or None"):
        net.fit(spikes, reduce=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="comm is 3; expected a communicator of mpi4py"):
        ep.MPI(3)


def test_without_mpi4py_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ImportError, match=r'pip install "eventprop\[mpi\]"'):
        ep.MPI()
