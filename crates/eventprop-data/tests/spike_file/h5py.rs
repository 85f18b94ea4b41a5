use std::ffi::OsString;
use std::process::Command;

use serde_json::{Value, json};

use super::*;

/// A Python that has h5py.
pub fn python() -> Option<OsString> {
    let named = std::env::var_os("EVENTPROP_H5PY_PYTHON");
    let python = named.clone().unwrap_or_else(|| "python3".into());
    let check = Command::new(&python).args(["-c", "import h5py"]).output();
    if check.is_ok_and(|check| check.status.success()) {
        return Some(python);
    }
    assert!(
        named.is_none(),
        "EVENTPROP_H5PY_PYTHON names a Python without h5py"
    );
    eprintln!("skipped: h5py is not installed");
    None
}

pub fn run(python: &OsString, script: &str, argument: &Path) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/spike_file");
    let ended = Command::new(python)
        .arg(folder.join(script))
        .arg(argument)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{script}: {errors}");
    serde_json::from_slice(&ended.stdout).unwrap()
}

#[test]
fn h5py_reads_what_is_written() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spikes.h5");
    let recordings = recordings(23);
    let types = [
        (TimeType::F16, "<f2"),
        (TimeType::F32, "<f4"),
        (TimeType::F64, "<f8"),
    ];
    for (times, times_type) in types {
        for (compression, name) in [
            (Compression::None, None),
            (Compression::Deflate(4), Some("gzip")),
        ] {
            write(&path, options(times, compression), &recordings);
            let found = run(&python, "read.py", &path);
            let times: Vec<&Vec<f64>> = recordings.iter().map(|r| &r.times_s).collect();
            let again: Vec<&Vec<f64>> = times.iter().rev().copied().collect();
            let expected = json!({
                "names": [
                    "extra", "extra/keys", "extra/meta_info", "extra/meta_info/age",
                    "extra/meta_info/gender", "extra/speaker", "labels", "spikes",
                    "spikes/times", "spikes/units",
                ],
                "times_type": times_type,
                "units_type": "<u2",
                "labels_type": "<u2",
                "compression": [name, name],
                "times": times,
                "units": recordings.iter().map(|r| &r.units).collect::<Vec<_>>(),
                "again": again,
                "labels": recordings.iter().map(|r| r.label).collect::<Vec<_>>(),
                "speakers": recordings.iter().map(|r| r.speaker).collect::<Vec<_>>(),
                "keys": options(TimeType::F16, compression).keys,
                "gender": ["female", ""],
                "age": [31.5, 25.0],
                "attributes": {"title": "a test", "empty": ""},
            });
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn what_h5py_writes_is_read_in_every_form() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let content = run(&python, "write.py", folder.path());
    for name in content["names"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        let (file, all) = read(&folder.path().join(format!("{name}.h5"))).unwrap();
        let times: Vec<&Vec<f64>> = all.iter().map(|s| &s.times_s).collect();
        let units: Vec<&Vec<i64>> = all.iter().map(|s| &s.units).collect();
        assert_eq!(json!(times), content["times"], "{name}");
        assert_eq!(json!(units), content["units"], "{name}");
        assert_eq!(json!(file.labels()), content["labels"], "{name}");
        assert_eq!(json!(file.speakers()), content["speakers"], "{name}");
        assert_eq!(file.keys()[19], "w19");
        let ages = MetaColumn::Numbers((20..32).map(f64::from).collect());
        assert_eq!(file.meta_info()[0], ("age".to_owned(), ages));
        assert_eq!(file.meta_info()[1].0, "gender");
        let title = ("title".to_owned(), "written by h5py".to_owned());
        assert_eq!(file.attributes(), [title], "{name}");
    }
}
