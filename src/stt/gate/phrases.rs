//! Phrases that Whisper says when nobody said anything, without case and punctuation.

/// Ends and credits of videos: in a room they are never said to a persona.
const NEVER_SAID: &[&str] = &[
    "thanks for watching",
    "thank you for watching",
    "thank you so much for watching",
    "thank you very much for watching",
    "thanks for watching and ill see you in the next video",
    "please subscribe",
    "please like and subscribe",
    "like and subscribe",
    "dont forget to subscribe",
    "dont forget to like and subscribe",
    "please subscribe to my channel",
    "subscribe to my channel",
    "ill see you in the next video",
    "see you in the next video",
    "see you in the next one",
    "see you next time",
    "well be right back",
    "subtitles by the amaraorg community",
    "subtitles by",
    "transcribed by",
    "transcription by castingwords",
    "blankaudio",
    "blank audio",
];

/// What people say too, but Whisper far more often when there was nothing.
const SELDOM_SAID: &[&str] = &[
    "you",
    "thank you",
    "thanks",
    "bye",
    "bye bye",
    "okay",
    "ok",
    "oh",
    "so",
    "yeah",
    "hmm",
    "mm",
    "uh",
    "um",
    "ah",
    "the",
    "i",
    "a",
    "and",
    "music",
    "applause",
    "silence",
];

pub(super) fn never_said(words: &[String]) -> bool {
    NEVER_SAID.contains(&words.join(" ").as_str())
}

pub(super) fn seldom_said(words: &[String]) -> bool {
    SELDOM_SAID.contains(&words.join(" ").as_str())
}
