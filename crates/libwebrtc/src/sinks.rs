//! The receivers of what a source or a track brings.

use std::sync::Weak;

use parking_lot::Mutex;

/// The sinks of one source or track; those that were dropped fall out.
pub(crate) struct Sinks<S: ?Sized> {
    sinks: Mutex<Vec<Weak<S>>>,
}

impl<S: ?Sized> Default for Sinks<S> {
    fn default() -> Self {
        Self { sinks: Mutex::default() }
    }
}

impl<S: ?Sized> Sinks<S> {
    pub(crate) fn add(&self, sink: Weak<S>) {
        self.sinks.lock().push(sink);
    }

    pub(crate) fn remove(&self, sink: &Weak<S>) {
        self.sinks.lock().retain(|other| !other.ptr_eq(sink));
    }

    pub(crate) fn is_empty(&self) -> bool {
        let mut sinks = self.sinks.lock();
        sinks.retain(|sink| sink.strong_count() > 0);
        sinks.is_empty()
    }

    /// Calls `each` for every living sink, outside of the lock.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&S)) {
        let sinks: Vec<_> = self.sinks.lock().iter().filter_map(Weak::upgrade).collect();
        for sink in sinks {
            each(&*sink);
        }
    }
}
