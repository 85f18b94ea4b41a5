//! Files that are being written when a program ends at once. In a process of its own, because all its
//! unfinished files go.

use eventprop_data::atomic;

/// A thread that goes on writes in vain, and a file that is whole stays.
#[test]
fn unfinished_files_are_removed_and_finished_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let (done, begun) = (folder.path().join("done"), folder.path().join("begun"));
    atomic::write(&done, |out| out.write_all(b"whole")).unwrap();
    let ended = atomic::write(&begun, |out| {
        out.write_all(&vec![0; 100_000])?;
        drop(atomic::remove_unfinished());
        Ok(())
    });
    assert!(ended.is_err());
    let mut left = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(left.next().unwrap().unwrap().file_name(), "done");
    assert!(left.next().is_none());
    atomic::write(&begun, |out| out.write_all(b"now")).unwrap();
    assert!(begun.is_file());
}
