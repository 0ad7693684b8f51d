//! Voice activity: is somebody making speech just now?

pub mod detector;
pub mod gate;
