//! The pictures that the model was shown, for as long as somebody may ask what they were.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::assets::kept;
use super::error::ApiError;
use super::routes::Desk;
use crate::medium::MediumId;
use crate::picture::Picture;

/// The newest pictures that are kept, some 40 kB each.
const PICTURES_MAX: usize = 256;

/// Shared by the host, who puts pictures in, and the pages.
#[derive(Clone, Debug, Default)]
pub(super) struct Album(Arc<Mutex<VecDeque<Picture>>>);

impl Album {
    /// Puts a picture in; the oldest leaves when it is full.
    pub(super) fn put(&self, picture: Picture) {
        let mut pictures = self.open();
        pictures.retain(|known| *known != picture);
        if pictures.len() == PICTURES_MAX {
            pictures.pop_front();
        }
        pictures.push_back(picture);
    }

    fn find(&self, id: &MediumId) -> Option<Picture> {
        self.open().iter().rev().find(|picture| picture.id() == id).cloned()
    }

    /// Whatever a panic left is still an album.
    fn open(&self) -> MutexGuard<'_, VecDeque<Picture>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `image/jpeg` of a picture that the model was shown.
pub(super) async fn picture(
    State(desk): State<Arc<Desk>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let found = MediumId::parse(&id).and_then(|id| desk.album.find(&id));
    let picture = found.ok_or(ApiError::NoPicture(id))?;
    let name = picture.id().as_str().as_bytes();
    Ok(kept(name, "image/jpeg", picture.jpeg().to_vec(), &headers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::video::I420;

    fn picture(luma: u8) -> Picture {
        let mut frame = I420::black(2, 2).unwrap();
        frame.planes_mut().0.fill(luma);
        Picture::of_frame(&frame)
    }

    #[test]
    fn the_oldest_leaves_and_what_comes_again_is_new() {
        let album = Album::default();
        let pictures: Vec<Picture> = (16..=235).map(picture).collect();
        let (first, second) = (&pictures[0], &pictures[30]);
        assert_ne!(first, second);
        for picture in [first, second, first] {
            album.put(picture.clone());
        }
        assert_eq!(album.open().len(), 2);
        assert_eq!(album.open().back(), Some(first));
        assert_eq!(album.find(second.id()).as_ref(), Some(second));
    }
}
