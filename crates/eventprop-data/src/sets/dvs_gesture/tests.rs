use std::path::Path;

use super::*;
use crate::binned::{BinnedSet, Binning, Repeats};
use crate::encode::camera::{CameraCode, PolarityCode};
use crate::formats::events::{self, Event, Format, Notes, Polarity, Sensor, SensorSize, SizeFrom};

fn recording(times: &[i64]) -> events::Recording {
    let event = |&t_us: &i64| Event {
        t_us,
        x: 5,
        y: 127,
        on: true,
    };
    events::Recording {
        format: Format::Aedat31,
        sensor: Sensor {
            width: 128,
            height: 128,
            polarity: Polarity::OnOff,
            size_from: SizeFrom::File,
        },
        events: times.iter().map(event).collect(),
        notes: Notes::default(),
    }
}

fn write(folder: &Path, name: &str, labels: &str, times: &[i64]) {
    let path = folder.join(format!("{name}.aedat"));
    events::write(&path, &recording(times), Format::Aedat31).unwrap();
    let header = "class,startTime_usec,endTime_usec\n";
    std::fs::write(
        folder.join(format!("{name}_labels.csv")),
        format!("{header}{labels}"),
    )
    .unwrap();
}

fn code() -> CameraCode {
    CameraCode::new(SensorSize::square(SIDE), 32, PolarityCode::Separate).unwrap()
}

fn read(folder: &Path, split: Split, window: Option<Window>) -> Result<Loaded, GestureError> {
    let binning = Binning {
        dt_ms: 1.0,
        steps: 100,
        inputs: code().inputs(),
        rescale_t: 1.0,
        rescale_x: 1.0,
        repeats: Repeats::Merge,
    };
    let request = Request {
        code: &code(),
        binning: &binning,
        window,
    };
    read_binned(&[folder], split, &request)
}

fn steps(set: &BinnedSet, sample: usize) -> Vec<u32> {
    let mut steps = Vec::new();
    set.for_each_spike(sample, |step, channel| {
        assert_eq!(channel, (32 * 31 + 1) * 2 + 1);
        steps.push(step);
    });
    steps
}

/// Clips may overlap, as those of some recordings do; the end of a clip does not belong to it.
#[test]
fn the_original_release() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("DvsGesture");
    std::fs::create_dir(&place).unwrap();
    let times = [900, 1000, 41_000, 51_500, 60_000, 190_000];
    write(
        &place,
        "user07_led",
        "8,1000,60000\n8,50000,300000\n",
        &times,
    );
    std::fs::write(place.join("trials_to_train.txt"), "user07_led.aedat\n\n").unwrap();
    let loaded = read(folder.path(), Split::Train, None).unwrap();
    assert_eq!(
        (loaded.set.labels(), loaded.set.speakers()),
        (&[7, 7][..], Some(&[7, 7][..]))
    );
    assert_eq!(steps(&loaded.set, 0), [0, 40, 50]);
    assert_eq!(steps(&loaded.set, 1), [1, 10]);
    assert_eq!(
        loaded.notices,
        ["1 of 6 events come after TRIAL_MS and are cut off"]
    );
    let window = Window {
        start_ms: 40.0,
        end_ms: 50.0,
    };
    let loaded = read(folder.path(), Split::Train, Some(window)).unwrap();
    assert_eq!(
        (steps(&loaded.set, 0), steps(&loaded.set, 1)),
        (vec![0], vec![])
    );
    let missing = read(folder.path(), Split::Test, None)
        .unwrap_err()
        .to_string();
    assert!(missing.contains("trials_to_test.txt"), "{missing}");
}

#[test]
fn labels_that_do_not_fit_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trials_to_test.txt"), "user24_led.aedat").unwrap();
    for (labels, words) in [
        (
            "1,2000,3000\n",
            "begins at 2000 µs, but the last event of the recording is at 1000",
        ),
        ("12,10,20\n", "line 2"),
        ("1,20\n", "class, start and end"),
        ("1,20,10\n", "an end after the start"),
    ] {
        write(folder.path(), "user24_led", labels, &[0, 1000]);
        let error = read(folder.path(), Split::Test, None)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
    write(folder.path(), "user24_led", "1,0,2000000\n", &[0, 1000]);
    let loaded = read(folder.path(), Split::Test, None).unwrap();
    assert!(
        loaded.notices[0].contains("ends at 2000000"),
        "{:?}",
        loaded.notices
    );
}

/// Rows x, y, p, t in ms, as tonic's archives have them.
#[test]
fn clips_of_tonic() {
    let folder = tempfile::tempdir().unwrap();
    let user = folder.path().join("ibmGestureTest/user25_lab");
    std::fs::create_dir_all(&user).unwrap();
    let rows = [5.0, 127.0, 1.0, 700.0, 5.0, 127.0, 1.0, 703.0];
    for class in [10, 2] {
        crate::formats::npy::write(&user.join(format!("{class}.npy")), &[2, 4], &rows).unwrap();
    }
    let loaded = read(folder.path(), Split::Test, None).unwrap();
    assert_eq!(
        (loaded.set.labels(), loaded.set.speakers()),
        (&[2, 10][..], Some(&[25, 25][..]))
    );
    assert_eq!(steps(&loaded.set, 0), [0, 3]);
    std::fs::write(user.join("11.npy"), "").unwrap();
    assert!(read(folder.path(), Split::Test, None).is_err());
}

#[test]
fn two_mirrors_change_nothing() {
    for (class, name) in NAMES.iter().enumerate() {
        let mirrored = usize::from(MIRRORED[class]);
        assert_eq!(usize::from(MIRRORED[mirrored]), class);
        let swap = |name: &str| name.contains("right") || name.contains("left");
        assert_eq!(mirrored != class, swap(name), "{name}");
        assert_eq!(
            name.contains("counter"),
            NAMES[mirrored].contains("clockwise") && !NAMES[mirrored].contains("counter")
        );
    }
}
