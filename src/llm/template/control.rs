//! Control texts: what a tokeniser would turn into control tokens must not come from a message.

/// The control texts of one model.
#[derive(Clone, Debug, Default)]
pub struct Controls {
    texts: Vec<String>,
}

impl Controls {
    /// Texts of fewer than three bytes are left alone: they are punctuation in some vocabularies.
    pub fn new(texts: impl IntoIterator<Item = String>) -> Self {
        let mut texts: Vec<String> = texts.into_iter().filter(|text| text.len() >= 3).collect();
        // The longest first, so that a text inside a longer one does not break it up.
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
        Self { texts }
    }

    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// `content` with every control text replaced by a space, so that what stood around it cannot
    /// join into a new one.
    pub fn defuse(&self, content: &str) -> String {
        let mut safe = content.to_owned();
        // Every replacement makes the text shorter, so this ends.
        while let Some(text) = self.texts.iter().find(|text| safe.contains(text.as_str())) {
            safe = safe.replace(text.as_str(), " ");
        }
        safe
    }
}
