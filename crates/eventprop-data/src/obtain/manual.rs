//! Data sets that must be downloaded manually: several archives of many files, behind pages that ask for consent or
//! change their addresses. What to get, from where, with which checksum, and where to unpack it.
//!
//! Addresses and checksums are those that the loaders of the field carry (tonic 1.7, spikingjelly).

use std::path::PathBuf;

/// A data set that must be downloaded manually.
#[derive(Debug)]
pub struct ByHand {
    /// The name, as it is typed.
    pub name: &'static str,
    /// Its full name.
    pub title: &'static str,
    /// Its authors.
    pub citation: &'static str,
    /// The licence of the data.
    pub licence: &'static str,
    /// Page that describes it.
    pub page: &'static str,
    /// Folder below a data folder that it is unpacked to.
    pub folder: &'static str,
    /// The archives.
    pub archives: &'static [Archive],
    /// Further remarks.
    pub note: &'static str,
}

impl ByHand {
    /// What to get, and where to unpack it: into the first of the data folders.
    pub fn instructions(&self, dirs: &[PathBuf]) -> String {
        let folder = dirs.first().map(|dir| dir.join(self.folder));
        let folder = folder.unwrap_or_else(|| PathBuf::from(self.folder));
        let mut lines = vec![format!(
            "{} is not fetched; download it manually and unpack it to {}",
            self.title,
            folder.display()
        )];
        for archive in self.archives {
            lines.push(format!("{}  MD5 {}", archive.name, archive.md5));
            lines.push(format!("    {}", archive.url));
        }
        lines.push(self.note.to_owned());
        lines.push(format!("page {}, licence {}", self.page, self.licence));
        lines.join("\n")
    }
}

/// An archive.
#[derive(Debug)]
pub struct Archive {
    /// Name under which to save it.
    pub name: &'static str,
    /// Its address.
    pub url: &'static str,
    /// Its MD5.
    pub md5: &'static str,
}

/// All of them.
pub static ALL: [ByHand; 2] = [
    ByHand {
        name: "nmnist",
        title: "N-MNIST",
        citation: "Orchard, Jayawant, Cohen & Thakor 2015, Converting static image datasets to spiking neuromorphic datasets using saccades",
        licence: "CC BY-SA 4.0",
        page: "https://www.garrickorchard.com/datasets/n-mnist",
        folder: "nmnist",
        archives: &[
            Archive {
                name: "train.zip",
                url: "https://data.mendeley.com/public-files/datasets/468j46mzdv/files/39c25547-014b-4137-a934-9d29fa53c7a0/file_downloaded",
                md5: "20959b8e626244a1b502305a9e6e2031",
            },
            Archive {
                name: "test.zip",
                url: "https://data.mendeley.com/public-files/datasets/468j46mzdv/files/05a4d654-7e03-4c15-bdfa-9bb2bcbea494/file_downloaded",
                md5: "69ca8762b2fe404d9b9bad1103e97832",
            },
        ],
        note: "unpacked, the folder holds Train/0 to Train/9 and Test/0 to Test/9",
    },
    ByHand {
        name: "dvs-gesture",
        title: "DVS128 Gesture",
        citation: "Amir et al. 2017, A low power, fully event-based gesture recognition system",
        licence: "CC BY 4.0",
        page: "https://ibm.ent.box.com/s/3hiq58ww1pbbjrinh367ykfdf60xsfm8/folder/50167556794",
        folder: "dvs_gesture",
        archives: &[
            Archive {
                name: "DvsGesture.tar.gz",
                url: "https://kth.box.com/shared/static/7fk64kjuit6exwlzbzfetwoa93qsuoy4.gz",
                md5: "8a5c71fb11e24e5ca5b11866ca6c00a1",
            },
            Archive {
                name: "ibmGestureTrain.tar.gz",
                url: "https://figshare.com/ndownloader/files/38022171",
                md5: "3a8f0d4120a166bac7591f77409cb105",
            },
            Archive {
                name: "ibmGestureTest.tar.gz",
                url: "https://figshare.com/ndownloader/files/38020584",
                md5: "56070e45dadaa85fff82e0fbfbc06de5",
            },
        ],
        note: "either the first archive (the original release, also behind the page of its makers, whose licence has to be \
               accepted there), whose files trials_to_train.txt, *.aedat and *_labels.csv are to lie in the folder, or \
               the other two (cut into clips by tonic)",
    },
];

/// A data set by its name; case, `-` and `_` do not matter.
pub fn find(name: &str) -> Option<&'static ByHand> {
    let plain = |name: &str| name.to_lowercase().replace(['-', '_'], "");
    ALL.iter().find(|set| plain(set.name) == plain(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand_entries_are_well_formed() {
        for set in &ALL {
            assert!(std::ptr::eq(find(&set.name.to_uppercase()).unwrap(), set));
            for archive in set.archives {
                assert_eq!(archive.md5.len(), 32);
                assert!(archive.md5.bytes().all(|b| b.is_ascii_hexdigit()));
                assert!(archive.url.starts_with("https://"));
            }
        }
        assert_eq!(find("dvs_gesture").unwrap().folder, "dvs_gesture");
        assert!(find("mnist").is_none());
    }
}
