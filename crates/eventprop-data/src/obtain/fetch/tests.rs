use super::test_server::{Act, Server};
use super::*;
use crate::obtain::checksum::sha256_hex;
use std::sync::LazyLock;
use std::time::Instant;

const NAME: &str = "numbers.gz";

/// Longer than one block, and nowhere periodic in 64 KiB.
static CONTENT: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..200_000u64).map(|n| (n * n % 251) as u8).collect());

static FILES: LazyLock<[FileEntry; 1]> = LazyLock::new(|| {
    let sha256: &'static str = sha256_hex(CONTENT.as_slice()).unwrap().leak();
    let checksum = Checksum::Sha256(sha256);
    [FileEntry {
        name: "numbers",
        other_names: &[],
        checksum: Some(checksum),
        download: Some(Download {
            name: NAME,
            bytes: Some(CONTENT.len() as u64),
            checksum,
        }),
    }]
});

fn options() -> FetchOptions {
    FetchOptions {
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(10),
        attempts: 3,
        pause: Duration::ZERO,
        proxy: Proxy::Direct,
        ..FetchOptions::default()
    }
}

fn server(acts: &'static [Act]) -> Server {
    Server::new(&CONTENT, acts)
}

fn fetch_from(servers: &[&Server], folder: &Path) -> Result<Vec<Fetched>, FetchError> {
    fetch_with(&options(), servers, folder)
}

fn fetch_with(
    options: &FetchOptions,
    servers: &[&Server],
    folder: &Path,
) -> Result<Vec<Fetched>, FetchError> {
    let mirrors: Vec<String> = servers.iter().map(|server| server.url.clone()).collect();
    let go_on = &mut |_: Progress<'_>| ControlFlow::Continue(());
    fetch_files(&*FILES, &mirrors, folder, options, go_on)
}

fn assert_fetched(folder: &Path) {
    assert!(fs::read(folder.join(NAME)).unwrap() == *CONTENT);
    assert!(!folder.join(part_name(NAME)).exists());
}

#[test]
fn a_good_server_needs_one_request_and_a_second_call_none() {
    let (server, dir) = (server(&[]), tempfile::tempdir().unwrap());
    let folder = dir.path().join("new").join("folder");
    let fetched = fetch_from(&[&server], &folder).unwrap();
    assert_eq!(fetched[0].url, Some(format!("{}{NAME}", server.url)));
    assert_fetched(&folder);
    assert_eq!(fetch_from(&[&server], &folder).unwrap()[0].url, None);
    assert_eq!(server.starts(), [0]);
}

#[test]
fn a_broken_transfer_goes_on_where_it_stopped() {
    let server = server(&[Act::BreakOffAt(70_000), Act::BreakOffAt(150_000)]);
    let dir = tempfile::tempdir().unwrap();
    fetch_from(&[&server], dir.path()).unwrap();
    assert_fetched(dir.path());
    assert_eq!(server.starts(), [0, 70_000, 150_000]);
}

#[test]
fn the_next_mirror_goes_on_where_the_first_stopped() {
    let broken = [Act::BreakOffAt(10), Act::HangUp, Act::Status(503)];
    let (first, second) = (server(broken.to_vec().leak()), server(&[]));
    let dir = tempfile::tempdir().unwrap();
    let fetched = fetch_from(&[&first, &second], dir.path()).unwrap();
    assert!(fetched[0].url.as_ref().unwrap().starts_with(&second.url));
    assert_fetched(dir.path());
    assert_eq!(second.starts(), [10]);
}

#[test]
fn a_server_that_ignores_ranges_starts_anew() {
    let server = server(&[Act::BreakOffAt(70_000), Act::IgnoreRange]);
    let dir = tempfile::tempdir().unwrap();
    fetch_from(&[&server], dir.path()).unwrap();
    assert_fetched(dir.path());
    assert_eq!(server.starts(), [0, 70_000]);
}

#[test]
fn another_range_than_the_one_asked_for_is_not_used() {
    for act in [Act::WrongRange, Act::Status(416)] {
        let server = server(vec![Act::BreakOffAt(70_000), act].leak());
        let dir = tempfile::tempdir().unwrap();
        fetch_from(&[&server], dir.path()).unwrap();
        assert_fetched(dir.path());
        assert_eq!(server.starts(), [0, 70_000, 0]);
    }
}

#[test]
fn a_silent_server_is_left_after_the_time_out() {
    let (silent, good) = (server(&[Act::StallAt(5); 3]), server(&[]));
    let dir = tempfile::tempdir().unwrap();
    let impatient = FetchOptions {
        stall_timeout: Duration::from_millis(300),
        ..options()
    };
    let start = Instant::now();
    fetch_with(&impatient, &[&silent, &good], dir.path()).unwrap();
    // Three attempts of 0.3 s; the server would have been silent for 20 s each time.
    assert!(start.elapsed() < Duration::from_secs(15));
    assert_fetched(dir.path());
    assert_eq!(good.starts()[0], 5);
}

#[test]
fn a_server_that_drips_is_given_up_as_too_slow() {
    let dripping = server(&[Act::DripAt(5); 3]);
    let dir = tempfile::tempdir().unwrap();
    let impatient = FetchOptions {
        stall_timeout: Duration::from_millis(300),
        // A byte every 10 ms makes 30 at most in a period, and the first five.
        bytes_least: 1000,
        ..options()
    };
    let error = fetch_with(&impatient, &[&dripping], dir.path()).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("too slow") && message.contains("at least 1000"),
        "{message}"
    );
    assert_eq!(dripping.starts().len(), 3);
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_part_is_not_followed() {
    let (server, dir) = (server(&[]), tempfile::tempdir().unwrap());
    let (other, folder) = (dir.path().join("other"), dir.path().join("folder"));
    fs::write(&other, "of someone else").unwrap();
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&other, folder.join(part_name(NAME))).unwrap();
    fetch_from(&[&server], &folder).unwrap();
    assert_fetched(&folder);
    assert_eq!(fs::read_to_string(&other).unwrap(), "of someone else");
    assert!(
        !fs::symlink_metadata(folder.join(NAME))
            .unwrap()
            .is_symlink()
    );
}

/// The first mirror misbehaves in a way that asking again does not help; the message has the facts
/// and the way out, and nothing is left behind.
#[test]
fn a_mirror_with_something_else_is_asked_once_and_described() {
    for (act, words) in [
        (Act::Status(404), "status 404"),
        (Act::Status(404), "<html>no</h>"),
        (
            Act::AnnounceLength(17),
            "announces 17 bytes, expected 200000",
        ),
        (
            Act::AnnounceLength(999_999_999),
            "announces 999999999 bytes",
        ),
        (Act::WrongBytes, "the file begins \"####"),
    ] {
        let bad = server(vec![act; 3].leak());
        let dir = tempfile::tempdir().unwrap();
        let message = fetch_from(&[&bad], dir.path()).unwrap_err().to_string();
        for words in [
            words,
            &bad.url,
            "by hand",
            NAME,
            FILES[0].checksum.unwrap().digits(),
        ] {
            assert!(message.contains(words), "{message} lacks {words}");
        }
        assert_eq!(bad.starts(), [0]);
        assert!(!dir.path().join(NAME).exists());
        let (bad, good) = (server(vec![act; 3].leak()), server(&[]));
        fetch_from(&[&bad, &good], dir.path()).unwrap();
        assert_fetched(dir.path());
    }
}

#[test]
fn servers_that_do_not_speak_http_are_tried_again_and_then_described() {
    for act in [Act::HangUp, Act::Garbage] {
        let bad = server(vec![act; 3].leak());
        let dir = tempfile::tempdir().unwrap();
        let message = fetch_from(&[&bad], dir.path()).unwrap_err().to_string();
        assert_eq!(message.matches("no answer").count(), 3, "{message}");
    }
    // The same behind https: the secure connection does not come about.
    let (mut bad, dir) = (server(&[Act::Garbage; 3]), tempfile::tempdir().unwrap());
    bad.url = bad.url.replace("http://", "https://");
    let message = fetch_from(&[&bad], dir.path()).unwrap_err().to_string();
    assert_eq!(message.matches("no answer").count(), 3, "{message}");
}

/// Without a length the transfer ends when the file is complete; more is not read.
#[test]
fn no_more_than_the_file_is_written() {
    let server = server(&[Act::Endless(10_000_000)]);
    let dir = tempfile::tempdir().unwrap();
    fetch_from(&[&server], dir.path()).unwrap();
    assert_fetched(dir.path());
}

#[test]
fn a_damaged_part_is_thrown_away() {
    for part in [vec![1; 70_000], vec![1; 200_000], vec![1; 200_001]] {
        let (server, dir) = (server(&[]), tempfile::tempdir().unwrap());
        fs::write(dir.path().join(part_name(NAME)), part).unwrap();
        fetch_from(&[&server], dir.path()).unwrap();
        assert_fetched(dir.path());
        assert_eq!(server.starts().last(), Some(&0));
    }
}

#[test]
fn a_stop_keeps_the_part_and_the_next_call_goes_on() {
    let (server, dir) = (server(&[]), tempfile::tempdir().unwrap());
    let mut stop_half_way = |progress: Progress<'_>| {
        assert_eq!(
            (progress.index, progress.files, progress.file),
            (0, 1, NAME)
        );
        if progress.bytes >= progress.bytes_total.unwrap() / 2 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let mirrors = [server.url.clone()];
    let error = fetch_files(
        &*FILES,
        &mirrors,
        dir.path(),
        &options(),
        &mut stop_half_way,
    );
    let Err(FetchError::Stopped { part, bytes }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(fs::metadata(part).unwrap().len(), bytes);
    fetch_from(&[&server], dir.path()).unwrap();
    assert_fetched(dir.path());
    assert_eq!(server.starts(), [0, bytes as usize]);
}

#[test]
fn a_damaged_file_is_replaced_but_one_that_would_hide_it_is_named() {
    let (server, dir) = (server(&[]), tempfile::tempdir().unwrap());
    fs::write(dir.path().join(NAME), "damaged").unwrap();
    fetch_from(&[&server], dir.path()).unwrap();
    assert_fetched(dir.path());
    fs::write(dir.path().join("numbers"), "mine").unwrap();
    let error = fetch_from(&[&server], dir.path()).unwrap_err();
    assert!(matches!(error, FetchError::InTheWay { .. }), "{error}");
    assert_eq!(fs::read(dir.path().join("numbers")).unwrap(), b"mine");
}

#[test]
fn what_cannot_be_fetched_says_so() {
    let go_on = &mut |_: Progress<'_>| ControlFlow::Continue(());
    let dir = tempfile::tempdir().unwrap();
    let error = fetch(Dataset::YinYang, dir.path(), &options(), go_on).unwrap_err();
    assert!(matches!(error, FetchError::NoMirror { .. }));
    let bad_proxy = FetchOptions {
        proxy: Proxy::Url("not a proxy".to_owned()),
        ..options()
    };
    let error = fetch(Dataset::Mnist, dir.path(), &bad_proxy, go_on).unwrap_err();
    assert!(matches!(error, FetchError::Proxy { .. }), "{error}");
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = fetch(Dataset::Mnist, &file, &options(), go_on).unwrap_err();
    assert!(matches!(error, FetchError::Disk { .. }), "{error}");
}

/// As SHD and SSC: neither the size nor the unpacked content is known, only an MD5 of the archive.
static SIZELESS: LazyLock<[FileEntry; 1]> = LazyLock::new(|| {
    let md5 = Checksum::Md5("").of(CONTENT.as_slice()).unwrap().leak();
    [FileEntry {
        name: "numbers",
        other_names: &[],
        checksum: None,
        download: Some(Download {
            name: NAME,
            bytes: None,
            checksum: Checksum::Md5(md5),
        }),
    }]
});

fn fetch_sizeless(server: &Server, folder: &Path) -> Result<Vec<Fetched>, FetchError> {
    let go_on = &mut |_: Progress<'_>| ControlFlow::Continue(());
    let mirrors = [server.url.clone()];
    fetch_files(&*SIZELESS, &mirrors, folder, &options(), go_on)
}

#[test]
fn a_file_of_unknown_size_is_fetched_continued_and_checked() {
    let server = server(&[Act::BreakOffAt(70_000), Act::BreakOffAt(150_000)]);
    let dir = tempfile::tempdir().unwrap();
    fetch_sizeless(&server, dir.path()).unwrap();
    assert_fetched(dir.path());
    assert_eq!(server.starts(), [0, 70_000, 150_000]);
    assert_eq!(fetch_sizeless(&server, dir.path()).unwrap()[0].url, None);
    // One that the user unpacked cannot be compared, and stays.
    let mine = dir.path().join("numbers");
    fs::write(&mine, "mine").unwrap();
    assert_eq!(fetch_sizeless(&server, dir.path()).unwrap()[0].path, mine);
}

/// The program was killed between the last byte and the new name: the server has no more to give.
#[test]
fn a_complete_part_of_unknown_size_is_accepted_by_its_checksum() {
    let (server, dir) = (server(&[]), tempfile::tempdir().unwrap());
    fs::write(dir.path().join(part_name(NAME)), &*CONTENT).unwrap();
    fetch_sizeless(&server, dir.path()).unwrap();
    assert_fetched(dir.path());
}

#[test]
fn wrong_bytes_of_unknown_size_are_refused() {
    for act in [
        Act::WrongBytes,
        Act::Endless(10_000_000),
        Act::AnnounceLength(17),
    ] {
        let (server, dir) = (server(vec![act; 3].leak()), tempfile::tempdir().unwrap());
        let message = fetch_sizeless(&server, dir.path()).unwrap_err().to_string();
        assert!(message.contains("MD5"), "{message}");
        assert!(!dir.path().join(NAME).exists());
    }
}
