//! The gestures and the camera.

/// Pixels of a side.
pub const SIDE: u32 = 128;
/// Gestures.
pub const CLASSES: u32 = 11;
/// The gestures, by class.
pub const NAMES: [&str; CLASSES as usize] = [
    "hand_clapping",
    "right_hand_wave",
    "left_hand_wave",
    "right_arm_clockwise",
    "right_arm_counter_clockwise",
    "left_arm_clockwise",
    "left_arm_counter_clockwise",
    "arm_roll",
    "air_drums",
    "air_guitar",
    "other",
];
/// Mirror image of a gesture: right is left, and clockwise is counter-clockwise.
pub const MIRRORED: [u16; CLASSES as usize] = [0, 2, 1, 6, 5, 4, 3, 7, 8, 9, 10];
