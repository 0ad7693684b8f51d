//! Which adapters are in memory: the ones used last, as many as the budget holds.

/// An adapter file, counted by whoever keeps them.
pub type FileId = usize;

/// See the module.
#[derive(Clone, Debug)]
pub struct Shelf {
    budget_bytes: u64,
    /// The one used last is last.
    resident: Vec<(FileId, u64)>,
}

/// What to do so that an adapter is in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Nothing: it is.
    There,
    /// These leave, in this order, and then it is loaded.
    Load { leave: Vec<FileId> },
}

impl Shelf {
    pub fn new(budget_bytes: u64) -> Self {
        Self { budget_bytes, resident: Vec::new() }
    }

    /// The adapter is used now. One that is larger than the whole budget stands alone.
    pub fn take(&mut self, file: FileId, bytes: u64) -> Place {
        if let Some(at) = self.resident.iter().position(|(known, _)| *known == file) {
            let known = self.resident.remove(at);
            self.resident.push(known);
            return Place::There;
        }
        let mut leave = Vec::new();
        while !self.resident.is_empty() && self.bytes().saturating_add(bytes) > self.budget_bytes {
            leave.push(self.resident.remove(0).0);
        }
        self.resident.push((file, bytes));
        Place::Load { leave }
    }

    /// It could not be loaded after all.
    pub fn forget(&mut self, file: FileId) {
        self.resident.retain(|(known, _)| *known != file);
    }

    /// Of all that are in memory.
    pub fn bytes(&self) -> u64 {
        self.resident.iter().map(|(_, bytes)| bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(leave: &[FileId]) -> Place {
        Place::Load { leave: leave.to_vec() }
    }

    #[test]
    fn the_one_not_used_for_longest_leaves() {
        let mut shelf = Shelf::new(100);
        assert_eq!(shelf.take(1, 40), load(&[]));
        assert_eq!(shelf.take(2, 40), load(&[]));
        assert_eq!(shelf.take(1, 40), Place::There);
        assert_eq!(shelf.take(3, 40), load(&[2]));
        assert_eq!(shelf.take(4, 90), load(&[1, 3]));
        shelf.forget(4);
        assert_eq!(shelf.take(4, 90), load(&[]));
    }

    proptest! {
        #[test]
        fn the_budget_holds_unless_one_alone_is_larger(
            uses in proptest::collection::vec(0..6usize, 1..60),
        ) {
            let mut shelf = Shelf::new(100);
            let mut loaded = std::collections::BTreeSet::new();
            for file in uses {
                match shelf.take(file, 15 * file as u64 + 20) {
                    Place::There => prop_assert!(loaded.contains(&file)),
                    Place::Load { leave } => {
                        for left in leave {
                            prop_assert!(loaded.remove(&left));
                        }
                        prop_assert!(loaded.insert(file));
                    }
                }
                prop_assert!(shelf.bytes() <= 100 || loaded.len() == 1);
            }
        }
    }
}
