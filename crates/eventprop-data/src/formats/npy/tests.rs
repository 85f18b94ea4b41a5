use super::*;
use proptest::prelude::*;

fn npy(dictionary: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = [MAGIC.as_slice(), &[1, 0]].concat();
    bytes.extend((dictionary.len() as u16).to_le_bytes());
    bytes.extend(dictionary.as_bytes());
    bytes.extend(values);
    bytes
}

fn parse_bytes(bytes: &[u8]) -> Result<Array<Values>, NpyProblem> {
    parse(bytes, bytes.len() as u64)
}

fn written<T: Element>(shape: &[usize], values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_to(&mut bytes, shape, values).unwrap();
    bytes
}

/// The file that `numpy.save` 2.x makes of `numpy.array([[1.5, -2.0, 0.25]], dtype='<f4')`.
#[test]
fn writes_what_numpy_writes() {
    let mut expected = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    expected.extend(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }");
    expected.resize(127, b' ');
    expected.push(b'\n');
    for value in [1.5f32, -2.0, 0.25] {
        expected.extend(value.to_le_bytes());
    }
    assert_eq!(written(&[1, 3], &[1.5f32, -2.0, 0.25]), expected);
}

#[test]
fn every_type_comes_back() {
    fn check<T: Element + PartialEq + std::fmt::Debug>(values: &[T]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("array.npy");
        for shape in [
            vec![values.len()],
            vec![1, values.len()],
            vec![values.len(), 1, 1],
        ] {
            write(&path, &shape, values).unwrap();
            let array = read::<T>(&path).unwrap();
            assert_eq!(array.shape, shape);
            assert_eq!(array.values, values);
        }
        write::<T>(&path, &[0, 4], &[]).unwrap();
        assert_eq!(read::<T>(&path).unwrap().values, []);
    }
    check(&[0.1f32, f32::MIN_POSITIVE, f32::INFINITY]);
    check(&[0.1f64, -0.0, f64::MAX]);
    check(&[i32::MIN, 7, i32::MAX]);
    check(&[i64::MIN, 7, i64::MAX]);
    check(&[0u8, 7, 255]);
    // More than one block.
    check(&(0..40_000).map(f64::from).collect::<Vec<_>>());
}

#[test]
fn keys_in_any_order_and_quotes_of_either_kind() {
    let bytes = npy(
        "{\"shape\":(2,),  'fortran_order' : True, 'descr':'|u1'}\n",
        &[3, 4],
    );
    let array = parse_bytes(&bytes).unwrap();
    assert_eq!(array.shape, [2]);
    assert_eq!(array.values, Values::U8(vec![3, 4]));
}

#[test]
fn errors_say_what_was_found_and_what_to_do() {
    let header = |descr: &str, order: &str, shape: &str| {
        npy(
            &format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"),
            &[0; 16],
        )
    };
    for (bytes, words) in [
        (b"\x1f\x8b\x08".to_vec(), "not a .npy file"),
        (Vec::new(), "not a .npy file"),
        (b"\x93NUMPY\x09\x00".to_vec(), "version 9"),
        (b"\x93NUMPY\x01\x00\xff\xff{'descr'".to_vec(), "header"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), "header"),
        (header("'|O'", "False", "(2,)"), "|O"),
        (header("'>f8'", "False", "(2,)"), ">f8"),
        (header("[('x', '<f8')]", "False", "(2,)"), "[('x', '<f8')]"),
        (header("'<f8'", "True", "(2, 1)"), "ascontiguousarray"),
        (header("'<f8'", "maybe", "(2,)"), "header"),
        (header("'<f8'", "False", "()"), "shape ()"),
        (
            header("'<f8'", "False", "(1, 1, 1, 2)"),
            "shape (1, 1, 1, 2)",
        ),
        (header("'<f8'", "False", "(-2,)"), "shape (-2,)"),
        (
            header("'<f8'", "False", "(99999999999, 99999999999)"),
            "fit into memory",
        ),
        (
            header("'<f8'", "False", "(99999999999,)"),
            "799999999992 bytes",
        ),
        (header("'<f8'", "False", "(1,)"), "holds 16"),
        (header("'<f8'", "False", "(3,)"), "needs 24"),
    ] {
        let message = parse_bytes(&bytes).unwrap_err().to_string();
        assert!(message.contains(words), "{message:?} lacks {words:?}");
    }
}

#[test]
fn the_wrong_type_and_the_file_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.npy");
    write(&path, &[1], &[1i64]).unwrap();
    let message = read::<f32>(&path).unwrap_err().to_string();
    for words in ["labels.npy", "int64", "float32"] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_shape_that_does_not_fit_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    assert!(write(&path, &[2, 2], &[1.0f64]).is_err());
    assert!(write::<f64>(&path, &[], &[1.0]).is_err());
    assert!(write::<f64>(&path, &[usize::MAX, 2, 0], &[1.0]).is_err());
    assert!(!path.exists());
}

#[test]
fn every_truncation_is_an_error() {
    let whole = written(&[2, 2], &[1i32, 2, 3, 4]);
    for len in 0..whole.len() {
        assert!(parse_bytes(&whole[..len]).is_err(), "{len} bytes");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert!(parse_bytes(&longer).is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse_bytes(&bytes);
        let _ = parse_bytes(&[b"\x93NUMPY\x01\x00", bytes.as_slice()].concat());
    }

    #[test]
    fn arbitrary_headers_do_not_panic(dictionary in "[\\{\\}'\"(),:<a-z0-9 \\[\\]é]{0,80}") {
        let _ = parse_bytes(&npy(&dictionary, &[0; 8]));
        let _ = parse_bytes(&npy(&format!("{{'descr': {dictionary}}}"), &[0; 8]));
    }

    #[test]
    fn one_changed_byte_does_not_panic(at in 0usize..160, byte in any::<u8>()) {
        let mut bytes = written(&[2, 2], &[1.0f64, 2.0, 3.0, 4.0]);
        bytes[at] = byte;
        let _ = parse_bytes(&bytes);
    }
}
