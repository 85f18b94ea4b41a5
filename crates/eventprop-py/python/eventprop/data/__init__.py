"""Data sets, encoders, recordings and sound: everything becomes `Spikes`.

Files of data sets are looked for in `data_dir`, else in the folders of the environment variable
`EVENTPROP_DATA`, else in the cache folder of the system, where `fetch` puts them. Nothing else downloads anything.
"""

from ._encoders import delta, latency, level_crossing, log_latency, poisson, population
from ._recordings import Recording, read_events, write_events
from ._sets import OwnData, Parts, benchmark, dvs_gesture, fetch, mnist, nmnist, own, shd, smnist, ssc, yinyang
from ._sound import audio, read_sound

__all__ = [
    "OwnData",
    "Parts",
    "Recording",
    "audio",
    "benchmark",
    "delta",
    "dvs_gesture",
    "fetch",
    "latency",
    "level_crossing",
    "log_latency",
    "mnist",
    "nmnist",
    "own",
    "poisson",
    "population",
    "read_events",
    "read_sound",
    "shd",
    "smnist",
    "ssc",
    "write_events",
    "yinyang",
]
