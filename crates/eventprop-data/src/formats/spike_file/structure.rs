//! The structures of an HDF5 file that the writer needs, in their oldest form, which every reader of
//! HDF5 knows: superblock 0, object headers 1, groups as symbol tables, global heaps.
//!
//! Every function gives the bytes of one structure; all numbers are little-endian, all addresses and
//! lengths eight bytes. Names and layouts: HDF5 File Format Specification, version 3.0, sections
//! II.A (superblock), III.A (B-trees), III.B (symbol table nodes), III.D and III.E (heaps), IV.A
//! (object headers and their messages).

/// The address of what is not there.
pub(super) const NOWHERE: u64 = u64::MAX;
/// Length of the superblock.
pub(super) const SUPERBLOCK_BYTES: u64 = 96;
/// Half the entries that a node of a symbol table has room for.
const GROUP_LEAF_K: u16 = 32;
/// Half the children that a node of a group's B-tree has room for.
const GROUP_INTERNAL_K: u16 = 16;
/// Half the children that a node of a chunk B-tree has room for; a file with superblock 0 cannot say
/// another.
const CHUNK_K: usize = 32;
/// Most entries of a group that this writer makes.
pub(super) const GROUP_ENTRIES_MAX: usize = 2 * GROUP_LEAF_K as usize;
/// A global heap collection is at least so long.
const COLLECTION_BYTES_MIN: usize = 4096;
/// Bytes before a collection's objects, and before an object's content.
const HEAP_HEADER_BYTES: usize = 16;

/// Length rounded up to eight bytes.
fn padded(bytes: usize) -> usize {
    bytes.next_multiple_of(8)
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(padded(bytes.len()), 0);
}

fn put(bytes: &mut Vec<u8>, value: u64) {
    bytes.extend(value.to_le_bytes());
}

/// A group as its entry in another group names it: the header, and the two parts of its table.
#[derive(Debug, Clone, Copy)]
pub(super) struct GroupAddress {
    pub(super) header: u64,
    pub(super) tree: u64,
    pub(super) heap: u64,
}

/// Object behind a name in a group.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    Dataset { header: u64 },
    Group(GroupAddress),
}

impl Target {
    /// Symbol table entry; the addresses of a group's table are repeated in it.
    fn entry(self, name_offset: u64, bytes: &mut Vec<u8>) {
        let (header, cached, tree, heap) = match self {
            Self::Dataset { header } => (header, 0u32, 0, 0),
            Self::Group(group) => (group.header, 1u32, group.tree, group.heap),
        };
        put(bytes, name_offset);
        put(bytes, header);
        bytes.extend(cached.to_le_bytes());
        bytes.extend([0; 4]);
        put(bytes, tree);
        put(bytes, heap);
    }
}

/// The superblock of a file of `end` bytes.
pub(super) fn superblock(root: GroupAddress, end: u64) -> Vec<u8> {
    let mut bytes = b"\x89HDF\r\n\x1a\n".to_vec();
    // Versions, then the sizes of addresses and lengths.
    bytes.extend([0, 0, 0, 0, 0, 8, 8, 0]);
    bytes.extend(GROUP_LEAF_K.to_le_bytes());
    bytes.extend(GROUP_INTERNAL_K.to_le_bytes());
    bytes.extend([0; 4]);
    for address in [0, NOWHERE, end, NOWHERE] {
        put(&mut bytes, address);
    }
    Target::Group(root).entry(0, &mut bytes);
    debug_assert_eq!(bytes.len() as u64, SUPERBLOCK_BYTES);
    bytes
}

/// A message of an object header: its kind and its content.
pub(super) type Message = (u16, Vec<u8>);

/// An object header.
pub(super) fn object_header(messages: &[Message]) -> Vec<u8> {
    let mut body = Vec::new();
    for (kind, content) in messages {
        body.extend(kind.to_le_bytes());
        body.extend((padded(content.len()) as u16).to_le_bytes());
        body.extend([0; 4]);
        body.extend(content);
        pad(&mut body);
    }
    let mut bytes = vec![1, 0];
    bytes.extend((messages.len() as u16).to_le_bytes());
    bytes.extend(1u32.to_le_bytes());
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(body);
    bytes
}

/// The type of the elements of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Element {
    F16,
    F32,
    F64,
    U16,
    /// Text of so many bytes, filled up with zeros.
    Text(u32),
}

impl Element {
    pub(super) fn bytes(self) -> u32 {
        match self {
            Self::F16 | Self::U16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
            Self::Text(bytes) => bytes,
        }
    }

    /// The message that describes the type.
    fn datatype(self) -> Vec<u8> {
        match self {
            // precision, exponent at, its bits, bits of the mantissa, bias
            Self::F16 => self.float([16, 10, 5, 10], 15),
            Self::F32 => self.float([32, 23, 8, 23], 127),
            Self::F64 => self.float([64, 52, 11, 52], 1023),
            Self::U16 => {
                let mut bytes = self.class(0x10, [0; 3]);
                bytes.extend([0, 0, 16, 0]);
                bytes
            }
            // Padded with zeros, UTF-8.
            Self::Text(_) => self.class(0x13, [0x11, 0, 0]),
        }
    }

    fn class(self, class_and_version: u8, bits: [u8; 3]) -> Vec<u8> {
        let mut bytes = vec![class_and_version];
        bytes.extend(bits);
        bytes.extend(self.bytes().to_le_bytes());
        bytes
    }

    fn float(self, [precision, exponent_at, exponent, mantissa]: [u8; 4], bias: u32) -> Vec<u8> {
        // The leading bit of the mantissa is implied (0x20); the sign is the highest bit.
        let mut bytes = self.class(0x11, [0x20, precision - 1, 0]);
        bytes.extend([0, 0, precision, 0, exponent_at, exponent, 0, mantissa]);
        bytes.extend(bias.to_le_bytes());
        bytes
    }
}

/// Type of the elements of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatasetType {
    One(Element),
    /// Lists of any length, in the global heap.
    Lists(Element),
}

impl DatasetType {
    pub(super) fn bytes(self) -> u32 {
        match self {
            Self::One(element) => element.bytes(),
            Self::Lists(_) => REFERENCE_BYTES as u32,
        }
    }

    fn datatype(self) -> Vec<u8> {
        match self {
            Self::One(element) => element.datatype(),
            Self::Lists(element) => {
                let mut bytes = vec![0x19, 0, 0, 0];
                bytes.extend((REFERENCE_BYTES as u32).to_le_bytes());
                bytes.extend(element.datatype());
                bytes
            }
        }
    }
}

/// Place of the elements of a one-dimensional dataset.
#[derive(Debug, Clone, Copy)]
pub(super) enum Storage {
    /// One after the other.
    Contiguous { address: u64, bytes: u64 },
    /// In one chunk that is packed with Deflate of this level, under a B-tree.
    Packed { tree: u64, level: u32 },
}

/// The object header of a one-dimensional dataset of `len` elements.
pub(super) fn dataset_header(kind: DatasetType, len: u64, storage: Storage) -> Vec<u8> {
    let mut messages = vec![
        (0x0001, dataspace(&[len])),
        (0x0003, kind.datatype()),
        // Fill value: space is allocated late, the value is written when one is set; none is.
        (0x0005, vec![2, 2, 2, 1, 0, 0, 0, 0]),
    ];
    if let Storage::Packed { level, .. } = storage {
        messages.push((0x000B, deflate(level)));
    }
    messages.push((0x0008, layout(kind, len, storage)));
    object_header(&messages)
}

fn dataspace(dimensions: &[u64]) -> Vec<u8> {
    let mut bytes = vec![1, dimensions.len() as u8, 0, 0, 0, 0, 0, 0];
    for length in dimensions {
        put(&mut bytes, *length);
    }
    bytes
}

fn deflate(level: u32) -> Vec<u8> {
    let mut bytes = vec![1, 1, 0, 0, 0, 0, 0, 0];
    // Filter 1, no name, optional, one parameter, and its padding.
    bytes.extend([1, 0, 0, 0, 1, 0, 1, 0]);
    bytes.extend(level.to_le_bytes());
    bytes.extend([0; 4]);
    bytes
}

fn layout(kind: DatasetType, len: u64, storage: Storage) -> Vec<u8> {
    let mut bytes = vec![3];
    match storage {
        Storage::Contiguous { address, bytes: n } => {
            bytes.push(1);
            put(&mut bytes, address);
            put(&mut bytes, n);
        }
        Storage::Packed { tree, .. } => {
            bytes.extend([2, 2]);
            put(&mut bytes, tree);
            bytes.extend((len as u32).to_le_bytes());
            bytes.extend(kind.bytes().to_le_bytes());
        }
    }
    bytes
}

/// The B-tree of a dataset of `len` elements in one chunk, which has `packed_bytes` bytes at `chunk`.
pub(super) fn chunk_tree(kind: DatasetType, len: u64, chunk: u64, packed_bytes: u64) -> Vec<u8> {
    let mut bytes = tree_node(1);
    bytes.extend((packed_bytes as u32).to_le_bytes());
    bytes.extend([0; 4 + 16]);
    put(&mut bytes, chunk);
    bytes.extend([0; 8]);
    put(&mut bytes, len);
    put(&mut bytes, u64::from(kind.bytes()));
    let key = 24;
    bytes.resize(24 + (2 * CHUNK_K + 1) * key + 2 * CHUNK_K * 8, 0);
    bytes
}

/// The head of a B-tree's only node, which has one child.
fn tree_node(kind: u8) -> Vec<u8> {
    let mut bytes = b"TREE".to_vec();
    bytes.extend([kind, 0, 1, 0]);
    put(&mut bytes, NOWHERE);
    put(&mut bytes, NOWHERE);
    bytes
}

/// An attribute of one text.
pub(super) fn text_attribute(name: &str, text: &str) -> Message {
    let kind = Element::Text(text.len().max(1) as u32).datatype();
    let space = dataspace(&[]);
    let mut bytes = vec![1, 0];
    for length in [name.len() + 1, kind.len(), space.len()] {
        bytes.extend((length as u16).to_le_bytes());
    }
    bytes.extend(name.as_bytes());
    bytes.push(0);
    pad(&mut bytes);
    bytes.extend(kind);
    pad(&mut bytes);
    bytes.extend(space);
    bytes.extend(text.as_bytes());
    if text.is_empty() {
        bytes.push(0);
    }
    (0x000C, bytes)
}

/// The bytes of a group that begin at `address`, with the messages of its attributes, and where its
/// parts are. `entries` are in the order of their names, and at most [`GROUP_ENTRIES_MAX`].
pub(super) fn group(
    address: u64,
    entries: &[(&str, Target)],
    attributes: Vec<Message>,
) -> (Vec<u8>, GroupAddress) {
    debug_assert!(entries.len() <= GROUP_ENTRIES_MAX && entries.is_sorted_by_key(|entry| entry.0));
    let (names, offsets) = names(entries);
    let mut node = b"SNOD\x01\0".to_vec();
    node.extend((entries.len() as u16).to_le_bytes());
    for (&(_, target), offset) in entries.iter().zip(&offsets) {
        target.entry(*offset, &mut node);
    }
    node.resize(8 + GROUP_ENTRIES_MAX * 40, 0);
    let mut tree = tree_node(0);
    let (node_at, tree_at) = (address, address + node.len() as u64);
    put(&mut tree, 0);
    put(&mut tree, node_at);
    put(&mut tree, offsets.last().copied().unwrap_or(0));
    let k = usize::from(GROUP_INTERNAL_K);
    tree.resize(24 + (2 * k + 1) * 8 + 2 * k * 8, 0);
    let heap_at = tree_at + tree.len() as u64;
    // No free space in the heap is written as 1.
    let mut heap = b"HEAP\0\0\0\0".to_vec();
    for value in [names.len() as u64, 1, heap_at + 32] {
        put(&mut heap, value);
    }
    let header_at = heap_at + (heap.len() + names.len()) as u64;
    let mut table = Vec::new();
    put(&mut table, tree_at);
    put(&mut table, heap_at);
    let mut messages = vec![(0x0011, table)];
    messages.extend(attributes);
    let bytes = [node, tree, heap, names, object_header(&messages)].concat();
    let parts = GroupAddress {
        header: header_at,
        tree: tree_at,
        heap: heap_at,
    };
    (bytes, parts)
}

/// The names of a group as its heap holds them, after an empty one, and where each begins.
fn names(entries: &[(&str, Target)]) -> (Vec<u8>, Vec<u64>) {
    let mut bytes = vec![0; 8];
    let mut offsets = Vec::new();
    for (name, _) in entries {
        offsets.push(bytes.len() as u64);
        bytes.extend(name.as_bytes());
        bytes.push(0);
        pad(&mut bytes);
    }
    (bytes, offsets)
}

/// Length of a reference to a list in a global heap.
pub(super) const REFERENCE_BYTES: usize = 16;

/// A global heap collection that is being filled. It is placed in the file when it is full.
#[derive(Debug)]
pub(super) struct Collection {
    bytes: Vec<u8>,
    objects: u16,
}

impl Collection {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; HEAP_HEADER_BYTES],
            objects: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects == 0
    }

    /// True if it should be placed before more is added.
    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= 1 << 16 || self.objects == u16::MAX
    }

    /// Adds a list of `len` elements and gives the reference to it in the collection that will begin
    /// at `address`.
    pub(super) fn push(&mut self, address: u64, len: u32, content: &[u8]) -> [u8; REFERENCE_BYTES] {
        let mut reference = [0; REFERENCE_BYTES];
        if len == 0 {
            return reference;
        }
        self.objects += 1;
        self.bytes.extend(self.objects.to_le_bytes());
        self.bytes.extend([0; 6]);
        put(&mut self.bytes, content.len() as u64);
        self.bytes.extend(content);
        pad(&mut self.bytes);
        reference[..4].copy_from_slice(&len.to_le_bytes());
        reference[4..12].copy_from_slice(&address.to_le_bytes());
        reference[12..].copy_from_slice(&u32::from(self.objects).to_le_bytes());
        reference
    }

    /// The bytes of the collection; it is empty afterwards.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let Self { mut bytes, .. } = std::mem::replace(self, Self::new());
        let free = COLLECTION_BYTES_MIN.saturating_sub(bytes.len());
        if free >= HEAP_HEADER_BYTES {
            // Free space is object 0, whose length counts its own header.
            bytes.extend([0; 8]);
            put(&mut bytes, free as u64);
        }
        bytes.resize(bytes.len().max(COLLECTION_BYTES_MIN), 0);
        let length = bytes.len() as u64;
        bytes[..8].copy_from_slice(b"GCOL\x01\0\0\0");
        bytes[8..16].copy_from_slice(&length.to_le_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A collection says how long it is, has at least 4096 bytes, and names the free space in it
    /// when there is room for a name (16 bytes).
    #[test]
    fn collections_are_as_long_as_they_say() {
        for bytes in (0..3 * 4096).step_by(8) {
            let mut collection = Collection::new();
            assert!(collection.is_empty());
            let reference = collection.push(640, 1, &vec![7; bytes + 1]);
            assert_eq!(reference[..4], 1u32.to_le_bytes());
            assert_eq!(reference[4..12], 640u64.to_le_bytes());
            assert_eq!(reference[12..], 1u32.to_le_bytes());
            let content = collection.take();
            let used = 16 + 16 + bytes + 8;
            assert_eq!(content.len(), used.max(4096));
            assert_eq!(content[8..16], (content.len() as u64).to_le_bytes());
            assert_eq!(content[24..32], (bytes as u64 + 1).to_le_bytes());
            if used + 16 <= 4096 {
                assert_eq!(content[used..used + 8], [0; 8]);
                assert_eq!(
                    content[used + 8..used + 16],
                    (4096 - used as u64).to_le_bytes()
                );
            }
        }
    }

    #[test]
    fn an_empty_list_takes_no_room() {
        let mut collection = Collection::new();
        assert_eq!(collection.push(640, 0, &[]), [0; 16]);
        assert!(collection.is_empty());
    }

    #[test]
    fn a_collection_is_full_by_length_or_by_number() {
        let mut long = Collection::new();
        long.push(0, 1 << 16, &vec![0; 1 << 16]);
        assert!(long.is_full());
        let mut objects = Collection::new();
        objects.objects = u16::MAX;
        assert!(objects.is_full());
    }
}
