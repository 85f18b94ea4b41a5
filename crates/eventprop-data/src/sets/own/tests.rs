use std::path::Path;

use super::*;
use crate::binned::{BinnedSet, Binning, Repeats};
use crate::encode::camera::PolarityCode;
use crate::formats::events::{Format, Polarity, ReadOptions, SensorSize, TimeOrigin};
use crate::formats::npz::{self, archive, array};
use crate::formats::spike_file::{Sample, SpikeFile, SpikeFileWriter, TimeType, WriteOptions};

const RECOGNISED: ReadOptions = ReadOptions {
    format: None,
    columns: None,
    origin: TimeOrigin::FirstEvent,
};

fn request(shape: Option<&Shape>) -> Request<'_> {
    Request {
        binning: Binning {
            dt_ms: 1.0,
            steps: 100,
            inputs: 0,
            rescale_t: 1.0,
            rescale_x: 1.0,
            repeats: Repeats::Count,
        },
        side: 32,
        polarity: PolarityCode::Separate,
        reading: &RECOGNISED,
        given: &[],
        shape,
    }
}

fn read(path: &Path) -> Result<Loaded, OwnDataError> {
    read_binned(path, &request(None))
}

fn spikes(set: &BinnedSet, sample: usize) -> Vec<(u32, u16)> {
    let mut spikes = Vec::new();
    set.for_each_spike(sample, |step, channel| spikes.push((step, channel)));
    spikes
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Classes are numbered in the order of their names; times count from the first event.
#[test]
fn own_data_in_a_folder_per_class() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "wave/a.csv",
        "t,x,y,p\n5000,3,1,1\n7000,0,0,0\n205000,0,0,0\n",
    );
    write(folder.path(), "clap/b.csv", "t,x,y,p\n1000,1,2,1\n");
    write(folder.path(), "clap/.hidden", "?");
    let loaded = read(folder.path()).unwrap();
    assert_eq!(loaded.shape.names, ["clap", "wave"]);
    let sensor = SensorKind {
        size: SensorSize {
            width: 4,
            height: 3,
        },
        polarity: Polarity::OnOff,
    };
    assert_eq!(loaded.shape.sensor, Some(sensor));
    assert_eq!(
        (loaded.set.labels(), loaded.set.inputs()),
        (&[0, 1][..], 24)
    );
    assert_eq!(spikes(&loaded.set, 0), [(0, (2 * 4 + 1) * 2 + 1)]);
    assert_eq!(spikes(&loaded.set, 1), [(0, (4 + 3) * 2 + 1), (2, 0)]);
    let [hidden, late] = &loaded.notices[..] else {
        panic!("{:?}", loaded.notices);
    };
    assert!(hidden.contains("not read (1)") && hidden.contains("clap/.hidden"));
    assert_eq!(late, "1 of 4 events come after TRIAL_MS and are cut off");
    let test = tempfile::tempdir().unwrap();
    write(test.path(), "wave/c.csv", "t,x,y,p\n1,0,0,1\n");
    let shaped = read_binned(test.path(), &request(Some(&loaded.shape))).unwrap();
    assert_eq!((shaped.set.labels(), shaped.set.inputs()), (&[1][..], 24));
    assert_eq!(
        shaped.notices,
        ["1 of the 2 classes of the training set have no sample here: clap"]
    );
    write(test.path(), "wave/large.csv", "t,x,y,p\n1,4,0,1\n");
    let error = read_binned(test.path(), &request(Some(&loaded.shape))).unwrap_err();
    assert!(error.to_string().contains("5 × 1"), "{error}");
    write(test.path(), "jump/d.csv", "t,x,y,p\n1,0,0,1\n");
    let error = read_binned(test.path(), &request(Some(&loaded.shape))).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("\"jump\" is not in the training set"),
        "{error}"
    );
}

/// The layout of SpikingJelly: `events_np/CLASS/NAME.npz`.
#[test]
fn a_folder_of_archives() {
    let folder = tempfile::tempdir().unwrap();
    for (class, x) in [("0", 3.0), ("1", 5.0)] {
        std::fs::create_dir(folder.path().join(class)).unwrap();
        let columns = [("t", 1000.0), ("x", x), ("y", 4.0), ("p", 1.0)];
        let columns = columns.map(|(name, value)| (name, array(&[1], &[value])));
        std::fs::write(folder.path().join(class).join("a.npz"), archive(&columns)).unwrap();
    }
    let loaded = read(folder.path()).unwrap();
    assert_eq!(loaded.set.labels(), [0, 1]);
    assert_eq!(
        loaded.shape.sensor.unwrap().size,
        SensorSize {
            width: 6,
            height: 5
        }
    );
}

/// Only ON events are asked for: the others are counted. Times are µs to the last, also of a late clock.
#[test]
fn what_a_polarity_leaves_out_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = "t,x,y,p\n1605507430438338,3,1,1\n1605507430439339,0,0,0\n1605507430441341,0,0,1\n";
    write(folder.path(), "a/a.csv", text);
    let on = Request {
        polarity: PolarityCode::On,
        ..request(None)
    };
    let loaded = read_binned(folder.path(), &on).unwrap();
    assert_eq!(loaded.notices, ["1 OFF events are left out"]);
    let path = folder.path().join("out.h5");
    for (origin, first_us) in [
        (TimeOrigin::File, 1_605_507_430_438_338.0),
        (TimeOrigin::FirstEvent, 0.0),
    ] {
        let written = write_spike_file(
            &folder.path().join("a/a.csv"),
            &path,
            &Request {
                reading: &ReadOptions {
                    origin,
                    ..RECOGNISED
                },
                ..on
            },
        );
        let notices = written.unwrap().notices;
        assert!(
            notices[0].ends_with("1 OFF events are left out"),
            "{notices:?}"
        );
        let mut times_us = vec![];
        let file = SpikeFile::open(&path).unwrap();
        let each = |_: usize, spikes: &crate::formats::spike_file::Spikes| Ok(spikes.clone());
        file.for_each::<_, crate::formats::spike_file::SpikeFileError>(each, |_, spikes| {
            times_us.extend(spikes.times_s.iter().map(|time| (time * 1e6).round()));
        })
        .unwrap();
        // A float64 near 1.6e9 s has steps of 0.24 µs.
        assert_eq!(times_us, [first_us, first_us + 3003.0]);
    }
}

#[test]
fn a_folder_of_lists_of_channels() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/a.csv", "t_ms,channel\n1,99\n3,0\n");
    let loaded = read(folder.path()).unwrap();
    assert_eq!((loaded.set.inputs(), loaded.shape.code), (100, None));
    assert_eq!(spikes(&loaded.set, 0), [(0, 99), (2, 0)]);
}

#[test]
fn mixed_sensors_and_missing_recordings_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        read(folder.path())
            .unwrap_err()
            .to_string()
            .contains("no folders")
    );
    write(folder.path(), "a/camera.csv", "t,x,y,p\n1,0,0,1\n");
    write(folder.path(), "a/list.csv", "t,channel\n1,0\n");
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("without polarities") && error.contains("camera.csv"),
        "{error}"
    );
    std::fs::remove_file(folder.path().join("a/list.csv")).unwrap();
    std::fs::create_dir(folder.path().join("b")).unwrap();
    assert!(
        read(folder.path())
            .unwrap_err()
            .to_string()
            .contains("no recording of this class")
    );
    let es = |width: u8| [b"Event Stream\x02\x00\x00\x01", &[width, 0, 9, 0][..]].concat();
    std::fs::write(folder.path().join("b/one.es"), es(9)).unwrap();
    std::fs::write(folder.path().join("b/two.es"), es(10)).unwrap();
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("two.es") && error.contains("10 × 9"),
        "{error}"
    );
}

fn npz(offsets: &[f64], units: &[f64]) -> Vec<u8> {
    archive(&[
        ("times_ms", array(&[3], &[1.0, 2.5, 400.0])),
        ("units", array(&[units.len()], units)),
        ("offsets", array(&[offsets.len()], offsets)),
        ("labels", array(&[2], &[1.0, 0.0])),
    ])
}

#[test]
fn arrays_in_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.npz");
    std::fs::write(&path, npz(&[0.0, 2.0, 3.0], &[4.0, 6.0, 1.0])).unwrap();
    let loaded = read(&path).unwrap();
    assert_eq!((loaded.set.labels(), loaded.set.inputs()), (&[1, 0][..], 7));
    assert_eq!(spikes(&loaded.set, 0), [(1, 4), (2, 6)]);
    assert_eq!(loaded.notices.len(), 1);
    for (offsets, units, words) in [
        (
            &[0.0, 2.0][..],
            &[4.0, 6.0, 1.0][..],
            "2 offsets for 2 labels",
        ),
        (&[0.0, 2.0, 4.0], &[4.0, 6.0, 1.0], "offsets[2] is 4"),
        (&[0.0, 3.0, 2.0], &[4.0, 6.0, 1.0], "ascending"),
        (&[0.0, 2.0, 3.0], &[4.0, 6.5, 1.0], "units[1] is 6.5"),
        (&[0.0, 2.0, 3.0], &[4.0], "3 times but 1 units"),
    ] {
        std::fs::write(&path, npz(offsets, units)).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    // One list, as a column or as a row, is the same list; a table is none.
    for (shape, words) in [
        (&[2, 1][..], None),
        (&[1, 2], None),
        (&[2, 2], Some("labels has shape [2, 2]")),
    ] {
        let count = shape.iter().product();
        let bytes = archive(&[
            ("times_ms", array(&[2], &[1.0, 2.0])),
            ("units", array(&[2], &[0.0, 1.0])),
            ("offsets", array(&[3], &[0.0, 1.0, 2.0])),
            ("labels", array(shape, &[1.0, 0.0, 1.0, 0.0][..count])),
        ]);
        std::fs::write(&path, bytes).unwrap();
        match (read(&path), words) {
            (Ok(loaded), None) => assert_eq!(loaded.set.labels(), [1, 0]),
            (Err(error), Some(words)) => assert!(error.to_string().contains(words), "{error}"),
            (read, _) => panic!("{shape:?}: {read:?}"),
        }
    }
    std::fs::write(&path, "something else").unwrap();
    assert!(
        read(&path)
            .unwrap_err()
            .to_string()
            .contains("neither HDF5 nor .npz")
    );
    assert!(read(&folder.path().join("nowhere")).is_err());
}

#[test]
fn a_file_in_the_layout_of_shd() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.h5");
    let options = WriteOptions {
        keys: vec!["no".into(), "yes".into(), "maybe".into()],
        ..WriteOptions::default()
    };
    let mut file = SpikeFileWriter::create(&path, options).unwrap();
    let (times_s, units) = (&[0.0, 0.0625][..], &[3, 9][..]);
    for label in [1, 0] {
        let speaker = None;
        let sample = Sample {
            times_s,
            units,
            label,
            speaker,
        };
        file.push(sample).unwrap();
    }
    file.finish().unwrap();
    let loaded = read(&path).unwrap();
    assert_eq!((loaded.shape.classes, loaded.shape.inputs), (3, 10));
    assert_eq!(
        (loaded.set.labels(), loaded.set.speakers()),
        (&[1, 0][..], None)
    );
    assert_eq!(spikes(&loaded.set, 1), [(0, 3), (62, 9)]);
    let narrow = Shape {
        inputs: 9,
        ..loaded.shape
    };
    let error = read_binned(&path, &request(Some(&narrow)))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("sample 0") && error.contains("channel 9"),
        "{error}"
    );
}

/// A folder written as spike trains and read again gives the same samples.
#[test]
fn a_folder_goes_through_a_spike_file() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "in/wave/a.csv",
        "t,x,y,p\n5000,3,1,1\n7000,0,0,0\n",
    );
    write(folder.path(), "in/clap/b.csv", "t,x,y,p\n1000,3,2,1\n");
    let (from, to) = (folder.path().join("in"), folder.path().join("out.h5"));
    let written = write_spike_file(&from, &to, &request(None)).unwrap();
    assert_eq!(
        (written.samples, written.spikes, written.inputs),
        (2, 3, 24)
    );
    let (direct, through) = (read(&from).unwrap(), read(&to).unwrap());
    assert_eq!(through.shape.names, ["clap", "wave"]);
    assert_eq!(through.set.labels(), direct.set.labels());
    for sample in 0..2 {
        assert_eq!(spikes(&through.set, sample), spikes(&direct.set, sample));
    }
    let single = from.join("wave/a.csv");
    assert_eq!(
        write_spike_file(&single, &to, &request(None))
            .unwrap()
            .samples,
        1
    );
}

/// An archive of one sample of class 0 on channel 0.
fn one_sample(path: &Path, times: (&str, Vec<f64>)) {
    let (name, times) = times;
    let spikes = times.len();
    let arrays = [
        (name, array(&[spikes], &times)),
        ("units", array(&[spikes], &vec![0.0; spikes])),
        ("offsets", array(&[2], &[0.0, spikes as f64])),
        ("labels", array(&[1], &[0.0])),
    ];
    std::fs::write(path, archive(&arrays)).unwrap();
}

/// Two spikes of one channel in one step count twice, and once where that is asked for, which is said.
#[test]
fn spikes_of_one_channel_in_one_step_count_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    one_sample(&path, ("times_ms", vec![3.2, 3.4, 7.0]));
    let counted = read(&path).unwrap();
    assert_eq!(spikes(&counted.set, 0), [(3, 0), (3, 0), (7, 0)]);
    assert!(counted.notices.is_empty(), "{:?}", counted.notices);
    let mut merging = request(None);
    merging.binning.repeats = Repeats::Merge;
    let merged = read_binned(&path, &merging).unwrap();
    assert_eq!(spikes(&merged.set, 0), [(3, 0), (7, 0)]);
    assert!(
        merged.notices[0].starts_with("1 of 3 events share"),
        "{:?}",
        merged.notices
    );
}

/// Times on the grid fall into their steps from every file and in every type that it may have.
#[test]
fn times_on_the_grid_fall_into_their_steps_from_every_file() {
    let folder = tempfile::tempdir().unwrap();
    let (hdf5, archive) = (folder.path().join("a.h5"), folder.path().join("a.npz"));
    for dt_ms in [0.1, 0.3, 1.0] {
        let mut grid = request(None);
        (grid.binning.dt_ms, grid.binning.steps) = (dt_ms, 1000);
        let expected: Vec<(u32, u16)> = (1..1000).step_by(2).map(|k| (k, 0)).collect();
        let times_s = || expected.iter().map(|&(k, _)| f64::from(k) * dt_ms / 1000.0);
        let found = |path: &Path| spikes(&read_binned(path, &grid).unwrap().set, 0);
        for times in [TimeType::F32, TimeType::F64] {
            let options = WriteOptions {
                times,
                ..WriteOptions::default()
            };
            let mut file = SpikeFileWriter::create(&hdf5, options).unwrap();
            file.push(Sample {
                times_s: &times_s().collect::<Vec<_>>(),
                units: &vec![0; expected.len()],
                label: 0,
                speaker: None,
            })
            .unwrap();
            file.finish().unwrap();
            assert_eq!(found(&hdf5), expected, "{times:?} {dt_ms}");
        }
        let len = expected.len();
        npz::write(&archive, |archive| {
            let single: Vec<f32> = times_s().map(|t| t as f32).collect();
            archive.add("times", &[len], &single)?;
            archive.add("units", &[len], &vec![0; len])?;
            archive.add("offsets", &[2], &[0, len as i32])?;
            archive.add("labels", &[1], &[0])
        })
        .unwrap();
        assert_eq!(found(&archive), expected, "npz {dt_ms}");
    }
}

/// Times that were written in another unit than they are read in are told, with the names that say another.
#[test]
fn times_in_a_unit_that_cannot_be_right_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let told = |name: &'static str, times: &[f64]| {
        one_sample(&path, (name, times.to_vec()));
        read(&path).map(|loaded| loaded.notices.join("; "))
    };
    // Seconds as ms, µs as s, a date in s.
    let short = told("times_ms", &[0.01, 0.05, 0.09]).unwrap();
    assert!(
        short.contains("less than a step") && short.contains("times_s"),
        "{short}"
    );
    let long = told(
        "times",
        &[0.0, 2e4, 5e4, 6e4, 7e4, 8e4, 9e4, 1e5, 2e5, 3e5, 4e5, 5e5],
    )
    .unwrap();
    assert!(
        long.contains("more than 100 trials") && long.contains("times_ms"),
        "{long}"
    );
    let late = told("times", &[1.6e9, 1.6e9 + 0.02])
        .unwrap_err()
        .to_string();
    assert!(late.contains("a.npz") && late.contains("origin"), "{late}");
    assert_eq!(told("times", &[0.01, 0.05]).unwrap(), "");
    write(
        folder.path(),
        "set/a/b.csv",
        "t_us,channel\n3,1\n8,0\n9,1\n",
    );
    let short = read(&folder.path().join("set")).unwrap().notices.join("; ");
    assert!(
        short.contains("less than a step") && short.contains("t_s"),
        "{short}"
    );
}

/// Takes and people are folders below that of the class; what is no recording is named.
#[test]
fn recordings_below_the_folder_of_their_class_are_read_and_the_rest_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let table = "t,x,y,p\n1,0,0,1\n";
    for name in [
        "10/1.csv",
        "9/1.csv",
        "9/anna/1.csv",
        "9/anna/take 2/1.csv",
        "2/1.csv",
    ] {
        write(folder.path(), name, table);
    }
    write(folder.path(), "9/.DS_Store", "?");
    write(folder.path(), "README.txt", "?");
    let loaded = read(folder.path()).unwrap();
    assert_eq!(loaded.shape.names, ["2", "9", "10"]);
    assert_eq!(loaded.set.labels(), [0, 1, 1, 1, 2]);
    let [notice] = &loaded.notices[..] else {
        panic!("{:?}", loaded.notices);
    };
    assert!(notice.contains("not read (2)"), "{notice}");
    assert!(
        notice.contains("README.txt") && notice.contains(".DS_Store"),
        "{notice}"
    );
    let content = content(folder.path(), &RECOGNISED).unwrap();
    let counts = content
        .classes
        .iter()
        .map(|class| (class.recordings, class.folders));
    assert_eq!(counts.collect::<Vec<_>>(), [(1, 0), (3, 2), (1, 0)]);
    assert_eq!(content.left_out.as_ref(), Some(notice));
}

#[cfg(unix)]
#[test]
fn a_link_back_to_a_folder_ends() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/1.csv", "t,x,y,p\n1,0,0,1\n");
    std::os::unix::fs::symlink(folder.path().join("a"), folder.path().join("a/again")).unwrap();
    let loaded = read(folder.path()).unwrap();
    assert_eq!(loaded.set.len(), 1);
    assert!(loaded.notices[0].contains("again"), "{:?}", loaded.notices);
}

#[test]
fn folders_of_parts_are_no_classes() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "train/a/1.csv", "t,x,y,p\n1,0,0,1\n");
    write(folder.path(), "test/a/1.csv", "t,x,y,p\n1,0,0,1\n");
    let error = read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("test, train are parts of a set"), "{error}");
}

/// Format and columns hold for every recording of a folder, and what the content has no use for is refused.
#[test]
fn settings_reach_a_folder_and_unused_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a/1.csv", "6,19,1,821\n7,3,0,1900\n");
    write(folder.path(), "a/2.csv", "6,19,1,821\n");
    assert!(read(folder.path()).is_err());
    let columns = ReadOptions {
        columns: Some("x,y,p,t".parse().unwrap()),
        ..RECOGNISED
    };
    let with = |reading| Request {
        reading,
        ..request(None)
    };
    let loaded = read_binned(folder.path(), &with(&columns)).unwrap();
    assert_eq!(loaded.set.len(), 2);
    assert_eq!(loaded.shape.sensor.unwrap().size.width, 8);
    let binary = ReadOptions {
        format: Some(Format::Aedat31),
        ..RECOGNISED
    };
    assert!(read_binned(folder.path(), &with(&binary)).is_err());

    let lists = tempfile::tempdir().unwrap();
    write(lists.path(), "a/a.csv", "t_ms,channel\n1,99\n3,0\n");
    let flat = tempfile::tempdir().unwrap();
    write(flat.path(), "a/a.csv", "t,x,y\n1,9,3\n");
    let trains = lists.path().join("set.npz");
    let entries = [
        ("times_ms", array(&[2], &[1.5, 3.0])),
        ("units", array(&[2], &[1.0, 0.0])),
        ("offsets", array(&[2], &[0.0, 2.0])),
        ("labels", array(&[1, 1], &[1.0])),
    ];
    std::fs::write(&trains, archive(&entries)).unwrap();
    let all = [Setting::Side, Setting::Polarity, Setting::Origin];
    for (path, used) in [
        (folder.path(), &all[..]),
        (flat.path(), &[Setting::Side, Setting::Origin]),
        (lists.path(), &[Setting::Origin]),
        (trains.as_path(), &[]),
    ] {
        for setting in all {
            let request = Request {
                given: &[setting],
                ..with(if path == folder.path() {
                    &columns
                } else {
                    &RECOGNISED
                })
            };
            match read_binned(path, &request) {
                Ok(_) => assert!(used.contains(&setting), "{path:?} {setting:?}"),
                Err(error) => {
                    assert!(error.is_usage() && !used.contains(&setting), "{error}");
                    let text = error.to_string();
                    assert!(text.contains(setting.name()), "{text}");
                }
            }
        }
    }
    for reading in [&columns, &binary] {
        let error = read_binned(&trains, &with(reading)).unwrap_err();
        assert!(error.is_usage(), "{error}");
    }
}
