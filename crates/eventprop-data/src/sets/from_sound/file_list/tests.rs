use super::*;
use crate::sets::from_sound::naming::Origin;

fn folder(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    folder
}

fn naming() -> Naming {
    Naming {
        labels: Origin::Folder,
        speakers: None,
        pattern: None,
        csv: None,
        classes: Vec::new(),
        select: Vec::new(),
        only: Vec::new(),
        except: Vec::new(),
    }
}

fn digits() -> Naming {
    Naming {
        labels: Origin::Pattern,
        speakers: Some(Origin::Pattern),
        pattern: Some("{label}_{speaker}_{index}".parse().unwrap()),
        ..naming()
    }
}

fn labels(file_list: &FileList) -> Vec<(&str, u16)> {
    let recordings = file_list.recordings.iter();
    recordings
        .map(|one| (one.name.as_str(), one.label))
        .collect()
}

#[test]
fn folders_are_classes() {
    let folder = folder(&[
        "yes/a.wav",
        "no/b.WAV",
        "no/c.flac",
        "no/._c.flac",
        "no/notes.txt",
    ]);
    let file_list = FileList::new(folder.path(), &naming()).unwrap();
    assert_eq!(file_list.classes, ["no", "yes"]);
    let expected = [("no/b.WAV", 0), ("no/c.flac", 0), ("yes/a.wav", 1)];
    assert_eq!(labels(&file_list), expected);
    assert!(file_list.speakers.is_empty() && file_list.recordings[0].speaker.is_none());
}

#[test]
fn numbers_are_in_numeric_order_and_the_same_in_every_part() {
    let folder = folder(&["10_b_0.wav", "2_a_0.wav", "2_b_1.wav", "other.wav"]);
    let mut naming = digits();
    naming.select.push("index=1".parse().unwrap());
    let file_list = FileList::new(folder.path(), &naming).unwrap();
    assert_eq!(file_list.classes, ["2", "10"]);
    assert_eq!(file_list.speakers, ["a", "b"]);
    assert_eq!(labels(&file_list), [("2_b_1.wav", 0)]);
    assert_eq!(file_list.recordings[0].speaker, Some(1));
    assert_eq!(file_list.unmatched, ["other.wav"]);
}

#[test]
fn classes_can_be_given_in_order_with_words() {
    let folder = folder(&["1_a_0.wav", "2_a_0.wav"]);
    let pair = |key: &str, word: &str| (key.to_owned(), word.to_owned());
    let classes = vec![pair("2", "zwei"), pair("1", "eins")];
    let file_list = FileList::new(
        folder.path(),
        &Naming {
            classes,
            ..digits()
        },
    )
    .unwrap();
    assert_eq!(file_list.classes, ["zwei", "eins"]);
    assert_eq!(labels(&file_list), [("1_a_0.wav", 1), ("2_a_0.wav", 0)]);
    let classes = vec![pair("2", "zwei")];
    let error = FileList::new(
        folder.path(),
        &Naming {
            classes,
            ..digits()
        },
    )
    .unwrap_err();
    assert!(error.to_string().contains("1_a_0.wav"), "{error}");
}

#[test]
fn lists_make_the_parts_of_a_corpus() {
    let folder = folder(&["yes/a.wav", "yes/b.wav", "no/c.wav"]);
    let list = folder.path().join("testing_list.txt");
    fs::write(&list, "yes/a.wav\n\n./no/c.wav\n").unwrap();
    let only = Naming {
        only: vec![list.clone()],
        ..naming()
    };
    let file_list = FileList::new(folder.path(), &only).unwrap();
    assert_eq!(labels(&file_list), [("no/c.wav", 0), ("yes/a.wav", 1)]);
    let except = Naming {
        except: vec![list.clone()],
        ..naming()
    };
    let file_list = FileList::new(folder.path(), &except).unwrap();
    assert_eq!(labels(&file_list), [("yes/b.wav", 1)]);
    fs::write(&list, "yes/z.wav\nyes/a.wav\n").unwrap();
    let file_list = FileList::new(folder.path(), &only).unwrap();
    assert_eq!(labels(&file_list), [("yes/a.wav", 1)]);
    assert_eq!(file_list.absent, ["yes/z.wav"]);
    fs::write(&list, "yes/z.wav").unwrap();
    let error = FileList::new(folder.path(), &only).unwrap_err().to_string();
    assert!(error.contains("yes/z.wav"), "{error}");
}

#[test]
fn a_table_gives_labels_and_speakers() {
    let folder = folder(&["a.wav", "b, c.wav", "d.wav"]);
    let table = folder.path().join("table.csv");
    fs::write(
        &table,
        "speaker,file,label\nann,a.wav,hi\nbob,\"b, c.wav\",\"say \"\"ho\"\"\"\n",
    )
    .unwrap();
    let naming = Naming {
        labels: Origin::Csv,
        speakers: Some(Origin::Csv),
        csv: Some(table.clone()),
        ..naming()
    };
    let file_list = FileList::new(folder.path(), &naming).unwrap();
    assert_eq!(file_list.classes, ["hi", "say \"ho\""]);
    assert_eq!(file_list.speakers, ["ann", "bob"]);
    assert_eq!(file_list.unmatched, ["d.wav"]);
    for (content, expected) in [
        ("", "empty"),
        ("file,speaker\na.wav,x", "no column \"label\""),
        ("file,label,speaker\na.wav,,x", "line 2"),
        ("file,label,speaker\na.wav,1,x\na.wav,2,x", "twice"),
    ] {
        fs::write(&table, content).unwrap();
        let error = FileList::new(folder.path(), &naming)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn nothing_to_encode_is_an_error_that_says_why() {
    let empty = folder(&["notes.txt"]);
    let error = |folder: &tempfile::TempDir, naming: &Naming| {
        FileList::new(folder.path(), naming)
            .unwrap_err()
            .to_string()
    };
    assert!(error(&empty, &naming()).contains(".wav"));
    let flat = folder(&["one.wav"]);
    assert!(error(&flat, &naming()).contains("--labels-from"));
    assert!(error(&flat, &digits()).contains("one.wav"));
    let mut selected = naming();
    selected.select.push("index=3".parse().unwrap());
    assert!(error(&flat, &selected).contains("{index}"));
}
