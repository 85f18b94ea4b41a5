"""Prints, as JSON, what h5py finds in a spike file: python read.py FILE."""

import json
import sys

import h5py


def text(value):
    return value.decode() if isinstance(value, bytes) else value


with h5py.File(sys.argv[1], "r") as file:
    names = []
    file.visit(names.append)
    extra = file["extra"]
    times, units = file["spikes/times"], file["spikes/units"]
    content = {
        "names": sorted(names),
        "times_type": h5py.check_vlen_dtype(times.dtype).str,
        "units_type": h5py.check_vlen_dtype(units.dtype).str,
        "labels_type": file["labels"].dtype.str,
        "compression": [times.compression, file["labels"].compression],
        "times": [t.astype(float).tolist() for t in times[:]],
        "units": [u.tolist() for u in units[:]],
        # One by one, in another order: the heaps are then read anew.
        "again": [times[n].astype(float).tolist() for n in reversed(range(len(times)))],
        "labels": file["labels"][:].tolist(),
        "speakers": extra["speaker"][:].tolist(),
        "keys": [text(k) for k in extra["keys"][:]],
        "gender": [text(g) for g in extra["meta_info/gender"][:]],
        "age": extra["meta_info/age"][:].tolist(),
        "attributes": {name: text(value) for name, value in file.attrs.items()},
    }
print(json.dumps(content))
