"""From sound to spikes, as the Heidelberg data sets were made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .. import _arrays, _engine
from .._warning import warn
from ..spikes import Spikes

__all__ = ["audio", "read_sound"]


def read_sound(path: str | os.PathLike[str], *, longest: float = 60.0) -> tuple[_arrays.Floats, int]:
    """Samples of a WAV or FLAC file, from −1 to 1, and their number per second; several channels become their mean.

    Parameters
    ----------
    path
        The file.
    longest
        Longer files, in s, are refused.
    """
    return _engine.read_sound(os.fspath(path), _arrays.positive("longest", longest))


def audio(
    sounds: Iterable[Any],
    labels: Any = None,
    *,
    rate: int | None = None,
    channels: int = 700,
    preset: str = "shd",
    resample: int | None = 48_000,
    exact: bool = False,
    seed: int = 0,
    constants: Mapping[str, float | str] | None = None,
    longest: float = 60.0,
) -> Spikes:
    """The spikes of bushy cells behind a model of the inner ear that hears a sound (Cramer et al. 2020).

    Neuron 0 has the highest frequency. At 700 channels the processor time is about half the length of the
    sounds, shared by all cores. `docs/audio.md` has the equations.

    Parameters
    ----------
    sounds
        Arrays of samples from −1 to 1, or names of WAV and FLAC files.
    labels
        One class per sound, or `None`.
    rate
        Samples per second of the arrays.
    channels
        Places on the basilar membrane.
    preset
        Published constants: `"shd"`, `"lauscher-1.0.1"`, `"lauscher-2020"` or `"article"`.
    resample
        The rate in Hz to which sounds are brought; `None` takes them as they are.
    exact
        Whether to draw as the published program does; about ten times slower, with the same law.
    seed
        Seed of the draws; every sound, by its place, has its own.
    constants
        Other values of constants; `eventprop data audio-constants` lists them.
    longest
        Longer files, in s, are refused.
    """
    request = {
        "preset": preset,
        "channels": _arrays.whole("channels", channels, 1, 65536),
        "resample_hz": None if resample is None else _arrays.whole("resample", resample, 1, 2**31),
        "exact": bool(exact),
        "seed": _arrays.whole("seed", seed, 0, 2**64 - 1),
        "constants": [(name, str(value)) for name, value in (constants or {}).items()],
    }
    encoder = _engine.SoundEncoder(request)
    spikes = [Spikes([])]
    group: list[tuple[_arrays.Floats, int]] = []
    done = 0
    for index, sound in enumerate(sounds):
        group.append(_sound(index, sound, rate, longest))
        # Groups, so that Ctrl-C is heard between two of them.
        if len(group) == 4 * _engine.threads():
            spikes.append(_encoded(encoder, group, done))
            done, group = done + len(group), []
    spikes.append(_encoded(encoder, group, done))
    return Spikes.from_csr(
        np.concatenate([one.times_ms for one in spikes]),
        np.concatenate([one.neurons for one in spikes]),
        np.concatenate([[0], np.cumsum(np.concatenate([np.diff(one.offsets) for one in spikes]))]),
        labels,
    )


def _sound(index: int, sound: Any, rate: int | None, longest: float) -> tuple[_arrays.Floats, int]:
    if isinstance(sound, (str, os.PathLike)):
        return read_sound(sound, longest=longest)
    samples = _arrays.floats(f"sounds[{index}]", sound, (None,))
    if rate is None:
        raise TypeError("rate is None; expected the samples per second of the arrays")
    return samples, _arrays.whole("rate", rate, 1, 2**31)


def _encoded(encoder: _engine.SoundEncoder, group: list[tuple[_arrays.Floats, int]], first: int) -> Spikes:
    arrays, notes = encoder.encode(group, first)
    for place, note in notes:
        warn(f"sounds[{place}]: {note}")
    return Spikes._of(*arrays, None)
