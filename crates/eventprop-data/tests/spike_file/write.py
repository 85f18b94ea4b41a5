"""Writes spike files with h5py in every form that a reader should know: python write.py FOLDER.

Prints, as JSON, the names of the files and what is in them.
"""

import json
import sys

import h5py
import numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(5)
SAMPLES = 37
lengths = rng.integers(0, 400, SAMPLES)
lengths[4] = 0
# Multiples of 2^-10 below 2 are exact in float16.
times = [np.sort(rng.integers(0, 2000, n)) / 1024 for n in lengths]
units = [rng.integers(0, 700, n) for n in lengths]
labels = rng.integers(0, 20, SAMPLES)
speakers = rng.integers(0, 12, SAMPLES)
keys = [f"w{n}".encode() for n in range(20)]


def lists(group, name, values, dtype, **options):
    dataset = group.create_dataset(name, (SAMPLES,), dtype=h5py.vlen_dtype(dtype), **options)
    for n, value in enumerate(values):
        dataset[n] = value.astype(dtype)


def write(name, times_dtype, units_dtype, labels_dtype, file_options, options):
    with h5py.File(f"{folder}/{name}.h5", "w", **file_options) as file:
        lists(file, "spikes/times", times, times_dtype, **options)
        lists(file, "spikes/units", units, units_dtype, **options)
        file.create_dataset("labels", data=labels.astype(labels_dtype), **options)
        file.create_dataset("extra/speaker", data=speakers.astype(labels_dtype), **options)
        file.create_dataset("extra/keys", data=np.array(keys))
        file.create_dataset("extra/meta_info/gender", data=np.array([b"female", b"male"] * 6))
        file.create_dataset("extra/meta_info/age", data=np.arange(20, 32))
        file.attrs["title"] = "written by h5py"
    return name


gzip = {"compression": "gzip"}
chunks = {"chunks": (5,), "maxshape": (None,)}
names = [
    write("old_packed", "f2", "u2", "u2", {"libver": "earliest"}, gzip),
    write("new_packed", "f2", "u2", "u2", {"libver": "latest"}, gzip | {"shuffle": True}),
    write("wide", "f8", "i8", "i8", {}, gzip),
    write("contiguous", "f4", "i4", "i4", {"libver": "latest"}, {}),
    write("big_endian", ">f4", ">i4", ">u2", {}, {}),
    write("growing", "f2", "i2", "u1", {"libver": "latest"}, chunks | gzip),
    write("behind_a_user_block", "f4", "u8", "i2", {"userblock_size": 1024}, chunks),
]
content = {
    "names": names,
    "times": [t.tolist() for t in times],
    "units": [u.tolist() for u in units],
    "labels": labels.tolist(),
    "speakers": speakers.tolist(),
}
print(json.dumps(content))
