"""The pages and notebooks about the package say what it does."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))


def test_the_reference_is_what_the_docstrings_say() -> None:
    spec = importlib.util.spec_from_file_location("reference", ROOT / "crates/eventprop-py/reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (DOCS / "python-api.md").read_text()
    assert page == module.page(), "run: python crates/eventprop-py/reference.py > docs/python-api.md"


MLGENN = DOCS / "how-to/coming-from/mlgenn.md"
"""Its other side needs GeNN, which has no package, and is not run."""
PAGES = [ROOT / "README.md", DOCS / "start.md", DOCS / "python.md", ROOT / "crates/eventprop-py/README.md", MLGENN]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_the_code_on_a_page_runs_and_prints_what_the_page_says(page: Path, tmp_path: Path) -> None:
    text = page.read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert blocks
    ended = subprocess.run([sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "Warning" not in ended.stderr, ended.stderr
    # Other processors round the last digits of exponentials otherwise, and training amplifies them.
    said = re.findall(r"test accuracy (0\.\d+)", text)
    assert said
    for number in map(float, said):
        printed = [float(found) for found in re.findall(r"test accuracy (0\.\d+)", ended.stdout)]
        assert any(abs(number - found) < 0.015 for found in printed), (number, printed)


SETTING = """
import warnings
import eventprop as ep
warnings.simplefilter("error")
warnings.filterwarnings("ignore", ".* of the neurons of ")
def build(tau_syn=5.0):
    net = ep.Network(dt=1.0, trial=20.0, seed=1)
    net.add_input("in", 16)
    net.add_lif("hid", 30, tau_syn=tau_syn)
    net.add_li("out", 4)
    net.connect("in", "hid", ep.Normal(4.0, 1.0))
    net.connect("hid", "out", ep.Normal(0.0, 0.5))
    return net
net = build()
train = ep.Spikes([([2.0, 4.0 + n % 4], [n % 16, (n + n % 4) % 16]) for n in range(64)], labels=[n % 4 for n in range(64)])
validation = train[:16]
"""
"""What fragments of pages take for granted."""

FRAGMENTS = {
    "python.md": ("torch", "import torch; model(torch.rand(3, 20, 64)).sum().backward(); optimizer.step()"),
    "how-to/callbacks.md": ("pandas", "assert 1 <= len(history) <= 100 and best.score(validation) >= 0.5"),
    "how-to/networks.md": (None, "assert same.params['input->image'].shape == (8, 1, 5, 5)"),
    "how-to/ranks.md": ("mpi4py", ""),
    "how-to/search.md": ("optuna", "import optuna; optuna.create_study(direction='maximize').optimize(objective, n_trials=2)"),
    "how-to/your-own-neuron.md": (None, "train = ep.Spikes([([2.0, 5.0], [n, n + 9]) for n in range(30)], labels=[n % 3 for n in range(30)]); net.fit(train, epochs=1)"),
}
"""Pages with fragments, what these need that may not be there, and a use of what they make."""


@pytest.mark.parametrize("page", FRAGMENTS)
def test_the_fragments_of_a_page_run(page: str, tmp_path: Path) -> None:
    needed, use = FRAGMENTS[page]
    if needed is not None and importlib.util.find_spec(needed) is None:
        pytest.skip(f"skipped: {needed} is not installed")
    text = (DOCS / page).read_text()
    blocks = re.findall(r"```py\n(.*?)```", text, re.DOTALL)
    assert blocks
    code = "\n".join([SETTING, *blocks, use])
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    for printed in re.findall(r"```text\n(.*?)```", text, re.DOTALL):
        if "print(" in blocks[-1]:
            assert printed in ended.stdout, ended.stdout


def test_pages_with_fragments_are_listed() -> None:
    with_fragments = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if "```py\n" in page.read_text()}
    assert with_fragments - {"python-api.md", "how-to/coming-from/mlgenn.md"} == set(FRAGMENTS)


COMING_FROM = sorted(set((DOCS / "how-to/coming-from").glob("*.md")) - {MLGENN})


@pytest.mark.parametrize("page", COMING_FROM, ids=lambda p: p.stem)
def test_the_same_training_side_by_side_is_as_the_page_says(page: Path, tmp_path: Path) -> None:
    """Runs where PyTorch and the other library are installed, which are too large for every machine."""
    for module in ("torch", page.stem, "sklearn"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"skipped: {module} is not installed")
    text = page.read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    ended = subprocess.run([sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    said = re.findall(r"(\S.*): test accuracy (0\.\d+)", text.partition("```text")[2])
    assert len(said) == 3
    for name, number in said:
        (found,) = re.findall(rf"{re.escape(name)}: test accuracy (0\.\d+)", ended.stdout)
        # Two trainings that round otherwise, 450 digits: two standard errors of the difference of their accuracies.
        p = float(number)
        assert abs(p - float(found)) < 2 * (2 * p * (1 - p) / 450) ** 0.5, (name, number, found)


def test_there_are_notebooks() -> None:
    assert {path.stem for path in NOTEBOOKS} == {"yinyang", "mnist", "shd", "smnist", "dvs_gesture", "own_data"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_what_it_showed(notebook: Path) -> None:
    """As `jupyter execute --inplace docs/notebooks/*.ipynb` leaves it: run from top to bottom, without errors, with figures."""
    cells = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert "error" not in [output["output_type"] for output in outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(notebook: Path, tmp_path: Path) -> None:
    """The cells one after the other in plain Python. A kernel of Jupyter would bring thirty packages and add
    nothing: the notebooks use no magic. Their sizes shrink with EVENTPROP_QUICK."""
    cells = json.loads(notebook.read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    env = os.environ | {"EVENTPROP_QUICK": "1", "MPLBACKEND": "agg"}
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=env)
    assert ended.returncode == 0, ended.stderr
