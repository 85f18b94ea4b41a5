//! MNIST: 60,000 handwritten digits to train on and 10,000 to test on, 28 × 28 grey values each.
//!
//! The four files of LeCun, Cortes & Burges are read packed or not. A small sample of real digits
//! comes with the crate, so that an example or a test can run before anything is fetched; it is no
//! substitute for the set.

use std::io::Read;
use std::path::Path;

use thiserror::Error;

use crate::encode::pixel_spikes::PixelSpikes;
use crate::formats::idx::{self, IdxError, Images};
use crate::obtain::locate::{self, NotFound};
use crate::obtain::registry::Dataset;

/// Rows and columns of an image.
pub const SIDE: usize = 28;
/// Pixels of an image: input neurons of a network that reads it.
pub const PIXELS: usize = SIDE * SIDE;
/// Classes: the digits 0 to 9.
pub const CLASSES: usize = 10;

/// MNIST could not be read.
#[derive(Debug, Error)]
pub enum MnistError {
    /// The files are in none of the folders.
    #[error(transparent)]
    NotFound(#[from] NotFound),
    /// A file is damaged.
    #[error(transparent)]
    Idx(#[from] IdxError),
    /// The images have another size.
    #[error("{origin}: images of {rows} × {columns} pixels, expected {SIDE} × {SIDE}")]
    ImageSize {
        /// Source of the images.
        origin: String,
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// There is not one label for every image.
    #[error(
        "{origin}: {pixels} pixels and {labels} labels; every label needs an image of {PIXELS} pixels: \
         take images and labels of the same part of the set"
    )]
    Count {
        /// Their source.
        origin: String,
        /// Pixels found.
        pixels: usize,
        /// Labels found.
        labels: usize,
    },
    /// A label is no digit.
    #[error("{origin}: label {index} is {found}, expected 0 to 9")]
    Label {
        /// Source of the labels.
        origin: String,
        /// Position of the label.
        index: usize,
        /// The label found.
        found: u8,
    },
}

/// The two parts of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// 60,000 images.
    Train,
    /// 10,000 images.
    Test,
}

impl Split {
    /// The unpacked names of the files of images and of labels.
    pub fn file_names(self) -> [&'static str; 2] {
        match self {
            Self::Train => ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
            Self::Test => ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        }
    }
}

/// Images and their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MnistSet {
    images: Vec<u8>,
    labels: Vec<u8>,
}

impl MnistSet {
    /// A set of given images and labels. `images`: [image, pixel], row-major, [`PIXELS`] each;
    /// `labels`: the digit of each image.
    ///
    /// # Errors
    /// [`MnistError::Count`] and [`MnistError::Label`].
    pub fn new(images: Vec<u8>, labels: Vec<u8>) -> Result<Self, MnistError> {
        Self::checked(images, labels, "the images given")
    }

    /// Reads one part of the set from the first of the data folders `dirs` that holds it.
    ///
    /// # Errors
    /// [`MnistError`].
    pub fn read<P: AsRef<Path>>(dirs: &[P], split: Split) -> Result<Self, MnistError> {
        let paths = locate::find(Dataset::Mnist, &split.file_names(), dirs)?;
        let images = idx::read_images(&paths[0])?;
        let labels = idx::read_labels(&paths[1])?;
        let origin = format!("{} and {}", paths[0].display(), paths[1].display());
        Self::from_files(images, labels, &origin)
    }

    /// The first 30 training images of every digit, in the order of the set: 300 images.
    pub fn sample_train() -> Self {
        Self::embedded(
            include_bytes!("../../assets/mnist-sample/train-images-idx3-ubyte.gz"),
            include_bytes!("../../assets/mnist-sample/train-labels-idx1-ubyte.gz"),
        )
    }

    /// The first 20 test images of every digit, in the order of the set: 200 images.
    pub fn sample_test() -> Self {
        Self::embedded(
            include_bytes!("../../assets/mnist-sample/t10k-images-idx3-ubyte.gz"),
            include_bytes!("../../assets/mnist-sample/t10k-labels-idx1-ubyte.gz"),
        )
    }

    /// # Panics
    /// Never: the bytes are part of the crate, and a test reads them.
    fn embedded(images: &[u8], labels: &[u8]) -> Self {
        let origin = "the sample in the program";
        idx::parse_images(Path::new(origin), images)
            .and_then(|images| Ok((images, idx::parse_labels(Path::new(origin), labels)?)))
            .map_err(MnistError::from)
            .and_then(|(images, labels)| Self::from_files(images, labels, origin))
            .expect("the embedded sample is valid")
    }

    fn from_files(images: Images, labels: Vec<u8>, origin: &str) -> Result<Self, MnistError> {
        if (images.rows, images.columns) != (SIDE, SIDE) {
            return Err(MnistError::ImageSize {
                origin: origin.to_owned(),
                rows: images.rows,
                columns: images.columns,
            });
        }
        Self::checked(images.pixels, labels, origin)
    }

    fn checked(images: Vec<u8>, labels: Vec<u8>, origin: &str) -> Result<Self, MnistError> {
        if labels.len().checked_mul(PIXELS) != Some(images.len()) {
            return Err(MnistError::Count {
                origin: origin.to_owned(),
                pixels: images.len(),
                labels: labels.len(),
            });
        }
        match labels.iter().position(|l| usize::from(*l) >= CLASSES) {
            Some(index) => Err(MnistError::Label {
                origin: origin.to_owned(),
                index,
                found: labels[index],
            }),
            None => Ok(Self { images, labels }),
        }
    }

    /// True if images and labels are, byte by byte, those of the published files of a part. Other sets have the same
    /// names of files.
    pub fn is_published(&self, split: Split) -> bool {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let side = SIDE as u32;
        let headers = [&[0x803, count, side, side][..], &[0x801, count]];
        let contents = [&self.images[..], &self.labels];
        let files = split.file_names().into_iter().zip(headers).zip(contents);
        files.into_iter().all(|((name, header), content)| {
            let entries = Dataset::Mnist.entry().files;
            let entry = entries.iter().find(|entry| entry.name == name);
            let checksum = entry.and_then(|entry| entry.checksum);
            let checksum = checksum.expect("the files of MNIST are registered with checksums");
            let header: Vec<u8> = header.iter().flat_map(|n| n.to_be_bytes()).collect();
            let found = checksum.of(header.as_slice().chain(content));
            found.is_ok_and(|digits| digits == checksum.digits())
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True without images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// All pixels, 0 (paper) to 255 (ink). [image, pixel], row-major.
    pub fn images(&self) -> &[u8] {
        &self.images
    }

    /// The pixels of one image, row by row: [`PIXELS`] values.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.images[index * PIXELS..][..PIXELS]
    }

    /// The digits, parallel to the images.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The spikes of all images in the order of time, ready to fill spike trains.
    pub fn spikes(&self) -> PixelSpikes {
        PixelSpikes::new(&self.images, PIXELS).expect("the size was checked on entry")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts and sums taken from the sample with NumPy, and the class balance that the folder of
    /// the sample promises.
    #[test]
    fn the_sample_is_the_one_described() {
        for (set, per_class, spikes, pixel_sum) in [
            (MnistSet::sample_train(), 30, 44_509, 7_717_506u64),
            (MnistSet::sample_test(), 20, 29_263, 5_027_560),
        ] {
            let mut counts = [0; CLASSES];
            for label in set.labels() {
                counts[usize::from(*label)] += 1;
            }
            assert_eq!(counts, [per_class; CLASSES]);
            let sum: u64 = set.images().iter().map(|x| u64::from(*x)).sum();
            assert_eq!(sum, pixel_sum);
            let encoded = set.spikes();
            let total: usize = (0..set.len()).map(|k| encoded.spikes_len(k)).sum();
            assert_eq!(total, spikes);
        }
        // The first digits of the set are 5 and 0; the first test digit is a 7.
        assert_eq!(MnistSet::sample_train().labels()[..2], [5, 0]);
        assert_eq!(MnistSet::sample_test().labels()[0], 7);
    }

    #[test]
    fn images_and_labels_must_fit() {
        let message = |images: usize, labels: Vec<u8>| {
            MnistSet::new(vec![0; images], labels)
                .unwrap_err()
                .to_string()
        };
        assert!(message(PIXELS, vec![1, 2]).contains("2 labels"));
        assert!(message(PIXELS - 1, vec![1]).contains("783 pixels"));
        assert!(message(2 * PIXELS, vec![1, 10]).contains("label 1 is 10"));
        assert!(MnistSet::new(Vec::new(), Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn another_image_size_is_refused() {
        let images = Images {
            len: 1,
            rows: 28,
            columns: 14,
            pixels: vec![0; 28 * 14],
        };
        let error = MnistSet::from_files(images, vec![1], "here").unwrap_err();
        assert!(error.to_string().contains("28 × 14"), "{error}");
    }
}
