//! What one human sends to the chat, in order: a typed line comes after the pictures that belong to
//! it, and before the next line. A core: streams are read elsewhere.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Time;

/// Pictures of one human that are being read or wait for their line.
pub(super) const PICTURES_MAX: usize = 4;
/// Lines of one human under way; more than anybody types while one of them waits.
const LINES_MAX: usize = 32;
/// A line waits so long for its pictures, and goes without those that are not there by then.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Streams that are remembered to be over, so that a line which names them later need not wait.
const SETTLED_MAX: usize = 16;
/// Clients name streams by a UUID; a longer name belongs to nobody.
const ID_BYTES_MAX: usize = 64;

/// What is ready to be told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Letter {
    Picture(Vec<u8>),
    Text(String),
}

/// The streams of one human.
#[derive(Default)]
pub(super) struct Post {
    lines: VecDeque<Line>,
    /// Pictures that are being read.
    open: Vec<String>,
    settled: VecDeque<String>,
    lines_begun: u64,
}

struct Line {
    key: u64,
    /// None while it is being read.
    text: Option<String>,
    waits_for: Vec<String>,
    pictures: Vec<Vec<u8>>,
    until: Time,
}

impl Line {
    fn is_ready(&self, now: Time) -> bool {
        self.text.is_some() && (self.waits_for.is_empty() || now >= self.until)
    }
}

impl Post {
    /// A line has begun, with names of streams attached to it. Pictures that began before are taken
    /// for its own too: not every client says which belong to what. Returns the key under which
    /// its text is handed in; none when too many are under way.
    pub(super) fn line(&mut self, now: Time, attached: &[String]) -> Option<u64> {
        if self.lines.len() >= LINES_MAX {
            return None;
        }
        let named = attached.iter().filter(|id| id.len() <= ID_BYTES_MAX).take(PICTURES_MAX);
        let named = named.filter(|id| !self.settled.contains(id) && !self.open.contains(id));
        let before = self.open.iter().filter(|id| self.owner(id).is_none());
        let waits_for = named.chain(before).cloned().collect();
        self.lines_begun += 1;
        self.lines.push_back(Line {
            key: self.lines_begun,
            text: None,
            waits_for,
            pictures: Vec::new(),
            until: now + WAIT_MAX,
        });
        Some(self.lines_begun)
    }

    /// The text of a line, which may be empty.
    pub(super) fn text(&mut self, key: u64, text: String) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.key == key) {
            line.text = Some(text);
        }
    }

    /// A picture has begun. Returns whether it is to be read; what is not, nobody waits for.
    pub(super) fn begin_picture(&mut self, id: &str) -> bool {
        if id.len() > ID_BYTES_MAX || self.open.iter().any(|open| open == id) {
            return false;
        }
        if self.pictures() >= PICTURES_MAX {
            self.settle(id);
            return false;
        }
        self.open.push(id.to_owned());
        true
    }

    /// A picture was read; none when it broke off. Returns it when it belongs to no line.
    pub(super) fn end_picture(&mut self, id: &str, file: Option<Vec<u8>>) -> Option<Letter> {
        self.open.retain(|open| open != id);
        let owner = self.owner(id);
        self.settle(id);
        match (file, owner.and_then(|at| self.lines.get_mut(at))) {
            (Some(file), Some(line)) => {
                line.pictures.push(file);
                None
            }
            (Some(file), None) => Some(Letter::Picture(file)),
            (None, _) => None,
        }
    }

    /// A stream that no picture comes of.
    pub(super) fn settle(&mut self, id: &str) {
        if id.len() > ID_BYTES_MAX {
            return;
        }
        for line in &mut self.lines {
            line.waits_for.retain(|other| other != id);
        }
        if self.settled.len() >= SETTLED_MAX {
            self.settled.pop_front();
        }
        self.settled.push_back(id.to_owned());
    }

    /// Takes out the lines that need wait no longer, each after its pictures.
    pub(super) fn due(&mut self, now: Time) -> Vec<Letter> {
        let mut letters = Vec::new();
        while self.lines.front().is_some_and(|line| line.is_ready(now))
            && let Some(line) = self.lines.pop_front()
        {
            letters.extend(line.pictures.into_iter().map(Letter::Picture));
            letters.extend(line.text.filter(|text| !text.trim().is_empty()).map(Letter::Text));
        }
        letters
    }

    /// When to ask for [`Self::due`] again, if nothing happens before.
    pub(super) fn wake(&self) -> Option<Time> {
        self.lines.front().filter(|line| line.text.is_some()).map(|line| line.until)
    }

    /// Pictures that are being read or wait for their line.
    pub(super) fn pictures(&self) -> usize {
        self.open.len() + self.lines.iter().map(|line| line.pictures.len()).sum::<usize>()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.lines.is_empty() && self.open.is_empty()
    }

    /// The line that waits for a picture.
    fn owner(&self, id: &str) -> Option<usize> {
        self.lines.iter().position(|line| line.waits_for.iter().any(|other| other == id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_ms(1_000);

    fn names(ids: &[&str]) -> Vec<String> {
        ids.iter().map(ToString::to_string).collect()
    }

    fn picture(byte: u8) -> Letter {
        Letter::Picture(vec![byte])
    }

    fn text(text: &str) -> Letter {
        Letter::Text(text.to_owned())
    }

    #[test]
    fn a_line_comes_after_the_pictures_that_are_attached_to_it() {
        let mut post = Post::default();
        let line = post.line(NOW, &names(&["a", "b"])).unwrap();
        post.text(line, "look".to_owned());
        assert!(post.due(NOW).is_empty());
        assert!(post.begin_picture("a") && post.begin_picture("b"));
        assert_eq!(post.end_picture("b", Some(vec![2])), None);
        assert!(post.due(NOW).is_empty());
        assert_eq!(post.end_picture("a", Some(vec![1])), None);
        assert_eq!(post.due(NOW), [picture(2), picture(1), text("look")]);
        assert!(post.is_idle());
    }

    #[test]
    fn a_line_waits_for_what_began_before_it_and_not_for_what_is_over() {
        let mut post = Post::default();
        assert!(post.begin_picture("a"));
        let line = post.line(NOW, &[]).unwrap();
        post.text(line, "this".to_owned());
        assert!(post.due(NOW).is_empty());
        assert_eq!(post.end_picture("a", Some(vec![1])), None);
        assert_eq!(post.due(NOW), [picture(1), text("this")]);

        assert!(post.begin_picture("b"));
        assert_eq!(post.end_picture("b", Some(vec![2])), Some(picture(2)));
        let line = post.line(NOW, &names(&["b"])).unwrap();
        post.text(line, "that".to_owned());
        assert_eq!(post.due(NOW), [text("that")]);
    }

    #[test]
    fn a_line_that_waits_in_vain_goes_without() {
        let mut post = Post::default();
        let line = post.line(NOW, &names(&["a", "never"])).unwrap();
        assert!(post.begin_picture("a"));
        assert_eq!(post.wake(), None, "its text wakes it");
        post.text(line, "look".to_owned());
        assert_eq!(post.end_picture("a", Some(vec![1])), None);
        assert_eq!(post.wake(), Some(NOW + WAIT_MAX));
        assert_eq!(post.due(NOW + WAIT_MAX), [picture(1), text("look")]);
        assert!(post.begin_picture("never"));
        assert_eq!(post.end_picture("never", Some(vec![2])), Some(picture(2)));
    }

    #[test]
    fn what_is_refused_or_breaks_off_is_not_waited_for() {
        let mut post = Post::default();
        let line = post.line(NOW, &names(&["broken", "no-picture"])).unwrap();
        post.text(line, "look".to_owned());
        assert!(post.begin_picture("broken"));
        assert_eq!(post.end_picture("broken", None), None);
        post.settle("no-picture");
        assert_eq!(post.due(NOW), [text("look")]);
    }

    #[test]
    fn lines_keep_their_order() {
        let mut post = Post::default();
        let first = post.line(NOW, &names(&["a"])).unwrap();
        let second = post.line(NOW, &[]).unwrap();
        post.text(second, "well?".to_owned());
        post.text(first, " ".to_owned());
        assert!(post.due(NOW).is_empty());
        assert!(post.begin_picture("a"));
        post.end_picture("a", Some(vec![1]));
        assert_eq!(post.due(NOW), [picture(1), text("well?")]);
    }

    #[test]
    fn what_one_human_holds_is_bounded() {
        let mut post = Post::default();
        let line = post.line(NOW, &names(&["0", "1", "2", "3", "4"])).unwrap();
        post.text(line, "look".to_owned());
        for id in ["0", "1", "2", "3"] {
            assert!(post.begin_picture(id));
        }
        assert!(!post.begin_picture("0"), "it is open already");
        post.end_picture("0", Some(vec![0]));
        assert!(!post.begin_picture("4"), "one waits for its line and three are open");
        assert!(!post.begin_picture(&"x".repeat(ID_BYTES_MAX + 1)));
        for n in 0..100 {
            post.settle(&n.to_string());
        }
        assert_eq!(post.settled.len(), SETTLED_MAX);
        let many = (0..100).filter(|_| post.line(NOW, &names(&["y", "z"])).is_some()).count();
        assert_eq!(many, LINES_MAX - 1);
    }
}
