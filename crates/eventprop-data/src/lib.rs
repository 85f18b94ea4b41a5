//! Data sets, file formats and spike encoders.
