use std::fs;

use super::*;

fn small() -> Vec<Recording> {
    let mut all = recordings(12);
    for recording in &mut all {
        recording.times_s.truncate(40);
        recording.units.truncate(40);
    }
    all
}

/// A file cut off anywhere is an error that says so.
#[test]
fn a_file_that_is_cut_off_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spikes.h5");
    write(&path, options(TimeType::F16, Compression::None), &small());
    let whole = fs::read(&path).unwrap();
    for length in (0..whole.len())
        .step_by(61)
        .chain([8, 9, 40, 95, whole.len() - 1])
    {
        fs::write(&path, &whole[..length]).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("spikes.h5"), "{message}");
        let words = if length < 8 {
            "no HDF5 file"
        } else {
            "is cut off"
        };
        assert!(message.contains(words), "{length}: {message}");
    }
}

/// A file in which a bit is wrong gives an error or its samples, but never a panic, nor more spikes
/// than it can hold.
#[test]
fn a_wrong_bit_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spikes.h5");
    for compression in [Compression::None, Compression::Deflate(6)] {
        write(&path, options(TimeType::F16, compression), &small());
        let whole = fs::read(&path).unwrap();
        let mut errors = 0;
        for at in (0..whole.len()).step_by(13) {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            fs::write(&path, &changed).unwrap();
            match read(&path) {
                Err(error) => {
                    errors += 1;
                    assert!(!error.to_string().is_empty());
                }
                Ok((file, all)) => {
                    assert_eq!(file.len(), all.len());
                    let spikes: usize = all.iter().map(|s| s.units.len()).sum();
                    assert!(spikes < whole.len());
                }
            }
        }
        assert!(errors > 0);
    }
}
