//! Drawings, written to the disk.

use std::path::{Path, PathBuf};

use eventprop_data::atomic::{self, WriteError};
use eventprop_report::Figure;

use crate::failure::Failure;

/// Writes every drawing as PNG and SVG into a folder, which is made; returns the paths.
pub fn write_all(figures: &[Figure], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(folder).map_err(|source| {
        Failure::failed(WriteError {
            path: folder.to_owned(),
            source,
        })
    })?;
    let mut written = Vec::new();
    for figure in figures {
        written.extend(write(figure, &folder.join(&figure.name))?);
    }
    Ok(written)
}

/// Writes `path`.png and `path`.svg and returns both paths.
pub fn write(figure: &Figure, path: &Path) -> Result<[PathBuf; 2], Failure> {
    let paths = [".png", ".svg"].map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    });
    for path in &paths {
        write_one(figure, path)?;
    }
    Ok(paths)
}

/// Writes a drawing: as SVG if the path ends so, otherwise as PNG.
pub fn write_one(figure: &Figure, path: &Path) -> Result<(), Failure> {
    let svg = path
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("svg"));
    let bytes = if svg {
        figure.file_svg().into_bytes()
    } else {
        figure.png().map_err(|problem| {
            Failure::failed(format!("{} could not be drawn: {problem}", path.display()))
        })?
    };
    atomic::write(path, |out| out.write_all(&bytes)).map_err(Failure::failed)
}
