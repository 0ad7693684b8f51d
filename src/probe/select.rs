//! Which classes are wanted.

use super::class::Class;

/// A set of classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection(u64);

/// A pattern that fits no class.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} fits no probe class; write *, a class such as floor.grant or a prefix such as floor, \
     separated by commas (docs/PROBES.md has all)"
)]
pub struct UnknownClass(String);

impl Selection {
    /// Every class.
    pub const ALL: Self = Self(u64::MAX);

    /// Reads patterns separated by commas: `*`, a class's name, or the beginning of one up to a
    /// dot (`floor`, `floor.` and `floor.*` are the same).
    ///
    /// # Errors
    /// When a pattern fits nothing, which is a slip of the pen.
    pub fn parse(patterns: &str) -> Result<Self, UnknownClass> {
        let patterns = patterns.split(',').map(str::trim).filter(|pattern| !pattern.is_empty());
        let mut bits = 0;
        for pattern in patterns {
            let of_pattern = bits_of(pattern);
            if of_pattern == 0 {
                return Err(UnknownClass(pattern.to_owned()));
            }
            bits |= of_pattern;
        }
        Ok(Self(bits))
    }

    pub fn has(self, class: Class) -> bool {
        self.0 & class.bit() != 0
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }
}

fn bits_of(pattern: &str) -> u64 {
    if pattern == "*" {
        return Selection::ALL.0;
    }
    let stem = pattern.trim_end_matches('*').trim_end_matches('.');
    let fits = |name: &str| {
        name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    Class::ALL.iter().filter(|class| fits(class.name())).fold(0, |bits, class| bits | class.bit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(patterns: &str) -> Vec<&'static str> {
        let selection = Selection::parse(patterns).expect("it fits");
        let wanted = Class::ALL.iter().filter(|class| selection.has(**class));
        wanted.map(|class| class.name()).collect()
    }

    #[test]
    fn a_class_is_asked_for_by_its_name_a_prefix_or_a_star() {
        assert_eq!(names("*").len(), Class::ALL.len());
        assert_eq!(names("kv.reuse"), ["kv.reuse"]);
        let turns = ["persona.turn.begin", "persona.turn.end"];
        for prefix in ["persona.turn", "persona.turn.", "persona.turn.*"] {
            assert_eq!(names(prefix), turns, "{prefix}");
        }
        assert_eq!(names(" kv.reuse , floor.stop,"), ["kv.reuse", "floor.stop"]);
        assert!(names("").is_empty());
    }

    #[test]
    fn half_a_word_and_a_slip_fit_nothing() {
        for slip in ["floo", "floor.gran", "tts.clause.x", "kv.reuse,floorr", "."] {
            let error = Selection::parse(slip).expect_err(slip).to_string();
            assert!(error.contains("docs/PROBES.md"), "{error}");
        }
    }
}
