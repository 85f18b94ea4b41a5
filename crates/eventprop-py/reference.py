"""Writes docs/python-api.md from the docstrings of the installed package.

    python crates/eventprop-py/reference.py > docs/python-api.md

A test compares the page with what this prints.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from typing import Any

MODULES = [
    ("eventprop", "Networks, spikes, training"),
    ("eventprop.loss", "Losses"),
    ("eventprop.augment", "Augmentation"),
    ("eventprop.data", "Data sets, encoders, recordings, sound"),
    ("eventprop.plot", "Figures"),
    ("eventprop.jax", "Functions of JAX"),
    ("eventprop.nir", "Reports on NIR graphs"),
    ("eventprop.parameters", "The dictionary `p`"),
    ("eventprop.simulator_yinyang", "`genn_eventprop`'s Yin-Yang simulator"),
    ("eventprop.simulator_MNIST", "`genn_eventprop`'s MNIST simulator"),
    ("eventprop.simulator_SHD", "The SHD simulator of genn_eventprop"),
    ("eventprop.simulator_SMNIST", "`genn_eventprop`'s simulator of sequential MNIST"),
    ("eventprop.simulator_DVS_gesture", "`genn_eventprop`'s simulator of gestures"),
    ("eventprop.compat", "The folder for PYTHONPATH"),
]

HEAD = """# Python: classes and functions

<!-- Written by `python crates/eventprop-py/reference.py` from the docstrings; change those. -->

How they are used: the [guide](python.md). Times are in ms, potentials in units of the threshold.
"""

# What comes first: what most scripts use.
FIRST = (
    "Network Spikes Evaluation Readout Params Population NeuronModel Normal Uniform FanIn Delay Sparse OneToOne Conv2d SumPool "
    "AvgPool Adam SGD OneCycle Cosine ReduceOnPlateau Regularizer DeepR History Epoch Activity EarlyStopping Checkpoint gradcheck"
).split()


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name, title in MODULES:
        module = importlib.import_module(name)
        parts.append(f"## {title}: `{name}`\n\n{_prose(module)}")
        for public in sorted(module.__all__, key=_place):
            found = getattr(module, public)
            if inspect.isclass(found):
                parts.append(_class(public, found))
            elif callable(found):
                parts.append(f"### {public}\n\n{_code(public, found)}\n{_prose(found)}")
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _place(name: str) -> int:
    """Places from the front; the others keep their order."""
    return FIRST.index(name) if name in FIRST else len(FIRST)


def _class(name: str, found: type[Any]) -> str:
    parts = [f"### {name}\n\n{_code(name, found)}\n{_prose(found)}"]
    attributes = _attributes(found)
    if attributes:
        parts.append("\n".join(f"- `{key}`: {' '.join(text.split())}" for key, text in attributes.items()) + "\n")
    members = _members(found)
    properties = {key: member for key, member in members.items() if isinstance(member, property)}
    parts += [f"- `.{key}`: {' '.join((inspect.getdoc(member) or '').split())}\n" for key, member in properties.items()]
    for key in (key for key in members if key not in properties):
        function = inspect.unwrap(getattr(found, key))
        parts.append(f"#### {name}.{key}\n\n{_code(f'{name}.{key}', function)}\n{_prose(function)}")
    return "\n".join(part.rstrip() + "\n" for part in parts)


def _members(found: type[Any]) -> dict[str, Any]:
    """Public methods and properties of this package, those of bases too."""
    members: dict[str, Any] = {}
    for base in reversed(found.__mro__):
        if base.__module__.startswith("eventprop"):
            members |= {k: v for k, v in vars(base).items() if not k.startswith("_")}
    kinds = (property, classmethod, staticmethod)
    return {k: v for k, v in members.items() if isinstance(v, kinds) or inspect.isfunction(v)}


def _attributes(found: type[Any]) -> dict[str, str]:
    """Texts that stand below annotated attributes."""
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(found))).body[0].body  # type: ignore[attr-defined]
    except (OSError, TypeError):
        return {}
    texts = {}
    for before, after in zip(body, body[1:]):
        documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and documented:
            texts[before.target.id] = str(after.value.value)
    return texts


def _code(name: str, found: Any) -> str:
    """The call, in lines of a width."""
    call = textwrap.fill(f"{name}{_signature(found)}", 88, subsequent_indent="    ", break_long_words=False)
    return f"```py\n{call}\n```\n"


def _signature(found: Any) -> str:
    """Names and defaults without types and `self`."""
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return "()"
    plain = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for name, parameter in signature.parameters.items()
        if name not in ("self", "cls") and not name.startswith("_")
    ]
    return str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty))


def _prose(found: Any) -> str:
    """A docstring as Markdown: sections become bold words, parameters a list, examples code."""
    lines = (inspect.getdoc(found) or "").splitlines()
    out: list[str] = []
    section = ""
    index = 0
    while index < len(lines):
        line = lines[index]
        under = lines[index + 1] if index + 1 < len(lines) else ""
        if line and set(under) == {"-"} and len(under) == len(line):
            section = line
            out += ["", f"**{section}**", ""]
            index += 2
            continue
        if section in ("Parameters", "Raises") and line and not line.startswith(" "):
            text = []
            while index + 1 < len(lines) and (lines[index + 1].startswith(" ") or not lines[index + 1]):
                index += 1
                text.append(lines[index].strip())
            out.append(f"- `{line}`: {' '.join(filter(None, text))}")
        elif line.startswith(">>>"):
            code = []
            while index < len(lines) and lines[index]:
                code.append(lines[index])
                index += 1
            out += ["```pycon", *code, "```"]
        else:
            out.append(line)
        index += 1
    return "\n".join(out).strip() + "\n"


if __name__ == "__main__":
    print(page(), end="")
