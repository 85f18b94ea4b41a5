//! Every seed of the fuzz targets, and everything that they found, is read without a panic.

#[path = "../../../fuzz/src/lib.rs"]
mod readers;

use std::fs;
use std::path::Path;

#[test]
fn seeds_of_the_fuzz_targets_are_read() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    for (target, read) in readers::TARGETS {
        let folder = seeds.join(target);
        let files = fs::read_dir(&folder).expect("a folder of seeds for every target");
        let mut count = 0;
        for file in files {
            let path = file.expect("a file").path();
            read(&fs::read(&path).expect("it can be read"));
            count += 1;
        }
        assert!(count > 0, "{target} has no seeds");
    }
}
