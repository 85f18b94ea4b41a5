"""The documentation site; `cargo xtask docs` builds it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

project = "eventprop"
author = "the eventprop developers"
copyright = f"2026, {author}"

extensions = ["myst_nb", "sphinx_copybutton"]
exclude_patterns = ["requirements.txt", "examples/*"]

# Pages are Markdown. Those of the tutorial are run when the site is built; notebooks show what they showed when they were
# stored, and the tests of the package run them.
nb_execution_mode = "force"
nb_execution_excludepatterns = ["notebooks/*"]
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_merge_streams = True
os.environ["MATPLOTLIBRC"] = str(Path(__file__).parent / "matplotlibrc")
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "dollarmath"]

html_theme = "pydata_sphinx_theme"
html_title = "eventprop"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_depth": 2,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
}

# The references of the command line and of the parameters are what the program prints.
GENERATED = Path(__file__).parent / "generated"
PROGRAM = os.environ.get("EVENTPROP_PROGRAM", "eventprop")


def printed(*arguments: str) -> str:
    return subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, text=True).stdout


def commands(*above: str) -> list[str]:
    """Sections of a command and of those below it."""
    text = printed(*above, "--help")
    title = " ".join(("eventprop", *above))
    sections = [f"{'#' * min(len(above) + 1, 4)} `{title}`\n\n```text\n{text.rstrip()}\n```\n"] if above else []
    below = text.split("\nCommands:\n")
    if len(below) == 2:
        for line in below[1].split("\n\n")[0].splitlines():
            name = line.split()[0] if line.startswith("  ") and line[2] != " " else "help"
            if name != "help":
                sections += commands(*above, name)
    return sections


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def parameters(benchmark: str) -> str:
    rows = json.loads(printed("params", benchmark, "--json"))["parameters"]
    lines = [f"## {benchmark}", "", "| key, default | meaning |", "|---|---|"]
    for row in rows:
        default = f"{row['default']} {row['unit']}".strip()
        lines.append(f"| `{row['key']}`<br>`{default}` | {cell(row['meaning'])}<br>*{cell(row['allowed'])}* |")
    return "\n".join(lines) + "\n"


BENCHMARKS = ["yinyang", "mnist", "shd", "ssc", "smnist", "nmnist", "dvs-gesture", "custom"]
GENERATED.mkdir(exist_ok=True)
(GENERATED / "cli.md").write_text("# Command line\n\nWhat `--help` prints.\n\n" + "\n".join(commands()))
head = "# Parameters\n\nOf each benchmark, as `eventprop params BENCHMARK` prints them.\n\n"
(GENERATED / "parameters.md").write_text(head + "\n".join(map(parameters, BENCHMARKS)))


def setup(app) -> None:
    app.connect("source-read", list_decisions)


def list_decisions(app, page: str, source: list[str]) -> None:
    """The page of the decisions lists them for readers; this is the list for the site's navigation."""
    if page == "decisions/README":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n0*\n```\n"
