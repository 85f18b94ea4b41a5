"""Writes recordings of cameras with h5py as the tools of the field lay them out: python cameras.py FOLDER.

Prints, as JSON, the events (t in µs, x, y, p) and the names of the files, with what their readers note.
"""

import json
import sys

import h5py
import numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(6)
N = 1500
t = np.sort(rng.integers(0, 3_000_000, N))
t[0] = 1
x, y, p = rng.integers(0, 346, N), rng.integers(0, 260, N), rng.integers(0, 2, N)
seconds = "assumed: times in s, because they are no whole numbers"
files = {}


def new(name, *notes, **options):
    files[name] = list(notes)
    return h5py.File(f"{folder}/{name}", "w", **options)


with new("metavision.hdf5", "columns not used: CD/indexes, EXT_TRIGGER/events") as f:
    f.attrs["geometry"] = "346x260"
    kind = np.dtype([("x", "<u2"), ("y", "<u2"), ("p", "<i2"), ("t", "<i8")])
    records = np.zeros(N, kind)
    records["x"], records["y"], records["p"], records["t"] = x, y, p, t
    f.create_dataset("CD/events", data=records, chunks=(512,), compression="gzip")
    f["CD/indexes"] = np.zeros(3, [("id", "<u8"), ("ts", "<i8")])
    f["EXT_TRIGGER/events"] = np.zeros(2, [("p", "<i2"), ("t", "<i8"), ("id", "<i2")])

with new("dsec.h5", "columns not used: ms_to_idx, t_offset") as f:
    for name, data, kind in (("x", x, "<u2"), ("y", y, "<u2"), ("p", p, "u1"), ("t", t, "<u4")):
        f.create_dataset(f"events/{name}", data=data.astype(kind), chunks=(500,), compression="gzip", shuffle=True)
    f["ms_to_idx"] = np.arange(5, dtype="<u8")
    f["t_offset"] = np.int64(49599300523)

with new("e2vid.h5", seconds) as f:
    for name, data in (("xs", x.astype("<i2")), ("ys", y.astype("<i2")), ("ts", t * 1e-6), ("ps", p.astype(bool))):
        f[f"events/{name}"] = data

with new("v2e.h5", "assumed: columns t (µs), x, y, p of whole numbers") as f:
    f.create_dataset("events", data=np.stack([t, x, y, p], 1).astype("<u4"), maxshape=(None, 4), compression="gzip")

rows = np.stack([x, y, t * 1e-6, 2.0 * p - 1], 1)
with new(
    "mvsec.hdf5",
    "assumed: columns x, y, t, p of floats",
    seconds,
    "columns not used: davis/left/imu, davis/right/events",
) as f:
    f.create_dataset("davis/left/events", data=rows, chunks=True)
    f["davis/right/events"] = rows[:7]
    f["davis/left/imu"] = np.zeros((4, 6))

# MATLAB saves all numbers as doubles, as a column or a row, behind 512 bytes of its own.
with new("matlab.mat", userblock_size=512) as f:
    for name, data in (("x", x), ("y", y), ("ts", t), ("p", p)):
        f[f"TD/{name}"] = data.astype("<f8").reshape(1, -1)
with open(f"{folder}/matlab.mat", "r+b") as f:
    f.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan 01 00:00:00 2024 HDF5 schema 1.00 .")

try:
    import hdf5plugin
except ImportError:
    pass
else:
    # As DSEC is published.
    with new("blosc.h5") as f:
        for name, data, kind in (("x", x, "<u2"), ("y", y, "<u2"), ("p", p, "u1"), ("t", t, "<u4")):
            packing = hdf5plugin.Blosc(cname="zstd", clevel=1, shuffle=hdf5plugin.Blosc.SHUFFLE)
            f.create_dataset(f"events/{name}", data=data.astype(kind), chunks=(500,), **packing)

events = np.stack([t, x, y, p], 1).tolist()
print(json.dumps({"events": events, "files": files}))
