use eventprop_data::formats::events::{self, Format};

use super::h5py::{python, run};

/// Recordings of cameras as the tools of the field lay them out, each with the same events.
#[test]
fn cameras_in_hdf5_are_read() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let content = run(&python, "cameras.py", folder.path());
    let expected: Vec<Vec<i64>> = serde_json::from_value(content["events"].clone()).unwrap();
    for (name, notes) in content["files"].as_object().unwrap() {
        let recording = events::read(&folder.path().join(name)).unwrap();
        assert_eq!(recording.format, Format::Hdf5, "{name}");
        let event = |e: &events::Event| {
            let [x, y, p] = [i64::from(e.x), i64::from(e.y), i64::from(e.on)];
            vec![e.t_us, x, y, p]
        };
        let found: Vec<Vec<i64>> = recording.events.iter().map(event).collect();
        assert!(found == expected, "{name}: {:?}", &found[..2]);
        let notes: Vec<String> = serde_json::from_value(notes.clone()).unwrap();
        assert_eq!(recording.notes.lines(), notes, "{name}");
        if name == "metavision.hdf5" {
            let sensor = recording.sensor;
            assert_eq!((sensor.width, sensor.height), (346, 260));
        }
    }
}
