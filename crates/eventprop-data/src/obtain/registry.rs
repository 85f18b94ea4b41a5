//! Registry of the data sets: their files, sizes and checksums, where to get them, and
//! under which licence.
//!
//! Sizes and SHA-256 of MNIST and Yin-Yang were taken from files whose MD5 are those that torchvision
//! and the publication give. Those of SHD and SSC are what loaders of the field carry (tonic, norse),
//! as far as they are known: the archives have only an MD5.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

pub use crate::obtain::checksum::Checksum;
use crate::obtain::checksum::Checksum::{Md5, Sha256};

/// A data set that can be verified, described and, where a mirror is known, fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dataset {
    /// Handwritten digits, 28 × 28 pixels, 10 classes.
    Mnist,
    /// Points in the Yin-Yang symbol, 3 classes.
    YinYang,
    /// Spoken digits as spikes of 700 channels, 20 classes.
    Shd,
    /// Spoken commands as spikes of 700 channels, 35 classes.
    Ssc,
}

/// A name that is no data set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no data set is called {found:?}; known are {known}", known = names().join(", "))]
pub struct UnknownDataset {
    /// The name given.
    pub found: String,
}

impl Dataset {
    /// Every data set.
    pub const ALL: [Self; 4] = [Self::Mnist, Self::YinYang, Self::Shd, Self::Ssc];

    /// The name, as it is typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::YinYang => "yin_yang",
            Self::Shd => "shd",
            Self::Ssc => "ssc",
        }
    }

    /// The entry.
    pub fn entry(self) -> &'static Entry {
        match self {
            Self::Mnist => &MNIST,
            Self::YinYang => &YIN_YANG,
            Self::Shd => &SHD,
            Self::Ssc => &SSC,
        }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dataset {
    type Err = UnknownDataset;

    /// Case, `-` and `_` do not matter.
    fn from_str(name: &str) -> Result<Self, UnknownDataset> {
        let plain = |name: &str| name.to_lowercase().replace(['-', '_'], "");
        Self::ALL
            .into_iter()
            .find(|dataset| plain(dataset.name()) == plain(name))
            .ok_or_else(|| UnknownDataset {
                found: name.to_owned(),
            })
    }
}

fn names() -> [&'static str; 4] {
    Dataset::ALL.map(Dataset::name)
}

/// Entry of a data set.
#[derive(Debug)]
pub struct Entry {
    /// The data set.
    pub dataset: Dataset,
    /// Its full name.
    pub title: &'static str,
    /// Its authors.
    pub citation: &'static str,
    /// The licence of the data.
    pub licence: &'static str,
    /// Page that describes it.
    pub page: &'static str,
    /// Addresses of folders that hold the files, the preferred one first; each ends with `/`.
    pub mirrors: &'static [&'static str],
    /// Folders below a data folder in which the files are looked for, in this order. The first is
    /// where they are fetched to.
    pub folders: &'static [&'static str],
    /// The files.
    pub files: &'static [FileEntry],
}

/// One file of a data set. On the disk it may be packed with gzip or zip, and then carry `.gz` or `.zip`
/// in its name.
#[derive(Debug, Clone, Copy)]
pub struct FileEntry {
    /// Its name, unpacked.
    pub name: &'static str,
    /// Other names that it is found under.
    pub other_names: &'static [&'static str],
    /// Its checksum, unpacked; `None` when it is not known.
    pub checksum: Option<Checksum>,
    /// The files on the mirrors; `None` when there is nothing to fetch.
    pub download: Option<Download>,
}

impl FileEntry {
    /// The names that it may have on the disk, in the order in which they are looked for.
    pub fn names(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.name)
            .chain(self.other_names.iter().copied())
            .flat_map(|name| [name.to_owned(), format!("{name}.gz"), format!("{name}.zip")])
    }
}

/// A file as the mirrors hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Download {
    /// Its name on the mirror and on the disk.
    pub name: &'static str,
    /// Its size in bytes, if it is known.
    pub bytes: Option<u64>,
    /// Its checksum.
    pub checksum: Checksum,
}

static MNIST: Entry = Entry {
    dataset: Dataset::Mnist,
    title: "MNIST handwritten digits",
    citation: "LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document recognition",
    licence: "CC BY-SA 3.0",
    page: "http://yann.lecun.com/exdb/mnist/",
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ],
    folders: &["mnist", "MNIST/raw", ""],
    files: &[
        FileEntry {
            name: "train-images-idx3-ubyte",
            other_names: &["train-images.idx3-ubyte"],
            checksum: Some(Sha256(
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            )),
            download: Some(Download {
                name: "train-images-idx3-ubyte.gz",
                bytes: Some(9_912_422),
                checksum: Sha256(
                    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                ),
            }),
        },
        FileEntry {
            name: "train-labels-idx1-ubyte",
            other_names: &["train-labels.idx1-ubyte"],
            checksum: Some(Sha256(
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            )),
            download: Some(Download {
                name: "train-labels-idx1-ubyte.gz",
                bytes: Some(28_881),
                checksum: Sha256(
                    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                ),
            }),
        },
        FileEntry {
            name: "t10k-images-idx3-ubyte",
            other_names: &["t10k-images.idx3-ubyte"],
            checksum: Some(Sha256(
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            )),
            download: Some(Download {
                name: "t10k-images-idx3-ubyte.gz",
                bytes: Some(1_648_877),
                checksum: Sha256(
                    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                ),
            }),
        },
        FileEntry {
            name: "t10k-labels-idx1-ubyte",
            other_names: &["t10k-labels.idx1-ubyte"],
            checksum: Some(Sha256(
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            )),
            download: Some(Download {
                name: "t10k-labels-idx1-ubyte.gz",
                bytes: Some(4542),
                checksum: Sha256(
                    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                ),
            }),
        },
    ],
};

static YIN_YANG: Entry = Entry {
    dataset: Dataset::YinYang,
    title: "Yin-Yang",
    citation: "Kriener, Göltz & Petrovici 2022, The Yin-Yang dataset",
    licence: "MIT",
    page: "https://github.com/lkriener/yin_yang_data_set",
    mirrors: &[],
    folders: &["yin_yang", "publication_data", ""],
    files: &[
        yin_yang_file(
            "train_samples.npy",
            "88ce43d8e7620b4dcd0712a582882325e609183eb71f2368cce8e87930e122d5",
        ),
        yin_yang_file(
            "train_labels.npy",
            "d38863599b41c3d67d5e606b21c3ea10f7956758471e946adcb120c4e5ae31c9",
        ),
        yin_yang_file(
            "validation_samples.npy",
            "88f7e23daf578da390fe3ca10370d38fdb6060a08249ecb1be832e3e6cce75d3",
        ),
        yin_yang_file(
            "validation_labels.npy",
            "abd956deb8e62f528a271d323c7498e6d331cd261f143b539b1219d274936008",
        ),
        yin_yang_file(
            "test_samples.npy",
            "1559e64b45a5e28df8a9d1158d891383d5745b0af2edbbca31ca4e2faeb95b4c",
        ),
        yin_yang_file(
            "test_labels.npy",
            "b4337aa983ea3928d1d8ee78268e8e266ede6ca3a401ade7b02eb47c9d90be93",
        ),
    ],
};

const fn yin_yang_file(name: &'static str, sha256: &'static str) -> FileEntry {
    FileEntry {
        name,
        other_names: &[],
        checksum: Some(Sha256(sha256)),
        download: None,
    }
}

const HEIDELBERG: &str = "Cramer, Stradmann, Schemmel & Zenke 2022, The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking Neural Networks";
const HEIDELBERG_PAGE: &str = "https://zenkelab.org/resources/spiking-heidelberg-datasets-shd/";
const HEIDELBERG_MIRRORS: &[&str] = &[
    "https://zenkelab.org/datasets/",
    "https://compneuro.net/datasets/",
];

static SHD: Entry = Entry {
    dataset: Dataset::Shd,
    title: "Spiking Heidelberg Digits (SHD)",
    citation: HEIDELBERG,
    licence: "CC BY 4.0",
    page: HEIDELBERG_PAGE,
    mirrors: HEIDELBERG_MIRRORS,
    folders: &["shd", "SHD", ""],
    files: &[
        heidelberg_file(
            "shd_train.h5",
            Some(Sha256(
                "2bddb4bd46732f09982b7d1631b7c29c19853c73d3d240e3eb32bba909bdd6c1",
            )),
            "shd_train.h5.zip",
            "f3252aeb598ac776c1b526422d90eecb",
        ),
        heidelberg_file(
            "shd_test.h5",
            Some(Sha256(
                "47d8621a092cb483bea9448a93c0a3375a6726d370045090c2f7a77f70f95df3",
            )),
            "shd_test.h5.zip",
            "1503a5064faa34311c398fb0a1ed0a6f",
        ),
    ],
};

static SSC: Entry = Entry {
    dataset: Dataset::Ssc,
    title: "Spiking Speech Commands (SSC)",
    citation: HEIDELBERG,
    licence: "CC BY 4.0",
    page: HEIDELBERG_PAGE,
    mirrors: HEIDELBERG_MIRRORS,
    folders: &["ssc", "SSC", ""],
    files: &[
        heidelberg_file(
            "ssc_train.h5",
            None,
            "ssc_train.h5.zip",
            "d102be95e7144fcc0553d1f45ba94170",
        ),
        heidelberg_file(
            "ssc_valid.h5",
            None,
            "ssc_valid.h5.zip",
            "b4eee3516a4a90dd0c71a6ac23a8ae43",
        ),
        heidelberg_file(
            "ssc_test.h5",
            None,
            "ssc_test.h5.zip",
            "a35ff1e9cffdd02a20eb850c17c37748",
        ),
    ],
};

const fn heidelberg_file(
    name: &'static str,
    checksum: Option<Checksum>,
    packed_name: &'static str,
    packed_md5: &'static str,
) -> FileEntry {
    FileEntry {
        name,
        other_names: &[],
        checksum,
        download: Some(Download {
            name: packed_name,
            bytes: None,
            checksum: Md5(packed_md5),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_forgiving_and_errors_list_them() {
        assert_eq!("MNIST".parse(), Ok(Dataset::Mnist));
        assert_eq!("YinYang".parse(), Ok(Dataset::YinYang));
        assert_eq!("yin-yang".parse(), Ok(Dataset::YinYang));
        let error = "shp".parse::<Dataset>().unwrap_err();
        assert!(
            error.to_string().contains("mnist, yin_yang, shd, ssc"),
            "{error}"
        );
    }

    #[test]
    fn entries_are_well_formed() {
        for dataset in Dataset::ALL {
            let entry = dataset.entry();
            assert_eq!(entry.dataset, dataset);
            assert!(entry.mirrors.iter().all(|mirror| mirror.ends_with('/')));
            for file in entry.files {
                assert_eq!(file.download.is_some(), !entry.mirrors.is_empty());
                let sums = [file.checksum, file.download.map(|d| d.checksum)];
                for sum in sums.into_iter().flatten() {
                    assert_eq!(
                        sum.digits().len(),
                        if matches!(sum, Md5(_)) { 32 } else { 64 }
                    );
                    assert!(
                        sum.digits()
                            .bytes()
                            .all(|b| b"0123456789abcdef".contains(&b))
                    );
                }
                // Whatever is fetched can be checked.
                assert!(file.checksum.is_some() || file.download.is_some());
            }
        }
    }
}
