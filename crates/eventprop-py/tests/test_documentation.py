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
        # 450 digits: two standard errors of an accuracy of 97 %.
        assert abs(float(number) - float(found)) < 0.016, (name, number, found)


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
