//! The JSON of a Character Card: V1 has its fields at the top, V2 and V3 under `data`.

use serde::Deserialize;

use super::Card;

/// The greeting shows how a character speaks; more of it would make a small model repeat it.
const GREETING_CHARS_MAX: usize = 300;

#[derive(Deserialize)]
struct Outer {
    data: Option<Fields>,
    #[serde(flatten)]
    flat: Fields,
}

/// Cards in the wild leave out what they do not use, or write null.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    name: Option<String>,
    description: Option<String>,
    personality: Option<String>,
    scenario: Option<String>,
    first_mes: Option<String>,
    system_prompt: Option<String>,
}

pub(super) fn parse(json: &str) -> Result<Card, String> {
    let outer: Outer =
        serde_json::from_str(json).map_err(|error| format!("not a character card: {error}"))?;
    let fields = outer.data.unwrap_or(outer.flat);
    let name = fields.name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    let called = name.as_deref().unwrap_or("the character");
    let part = |field: Option<String>, before: &str| {
        let text = expand(&field.unwrap_or_default(), called);
        let text = text.trim();
        (!text.is_empty()).then(|| format!("{before}{text}"))
    };
    let greeting = fields.first_mes.map(|text| shortened(&text).to_owned());
    let parts = [
        part(fields.system_prompt, ""),
        part(fields.description, ""),
        part(fields.personality, "Personality: "),
        part(fields.scenario, "Scenario: "),
    ];
    // A greeting alone says how somebody talks, and not who it is.
    let said = parts.iter().any(Option::is_some);
    let speaks = format!("How {called} speaks, for example: ");
    let greeting = greeting.filter(|_| said);
    let parts: Vec<String> = parts.into_iter().chain([part(greeting, &speaks)]).flatten().collect();
    Ok(Card { name, text: parts.join("\n") })
}

/// Replaces the macros of character cards, whatever their case.
fn expand(text: &str, name: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['{', '<']) {
        out += &rest[..open];
        rest = &rest[open..];
        let (with, length) = macro_at(rest, name).unwrap_or((&rest[..1], 1));
        out += with;
        rest = &rest[length..];
    }
    out + rest
}

/// The text for the macro that `text` begins with, and the macro's length in bytes.
fn macro_at<'a>(text: &str, name: &'a str) -> Option<(&'a str, usize)> {
    let macros = [
        ("{{char}}", name),
        ("<bot>", name),
        ("{{user}}", "the visitor"),
        ("<user>", "the visitor"),
        ("{{original}}", ""),
    ];
    macros.into_iter().find_map(|(written, with)| {
        let head = text.get(..written.len())?;
        head.eq_ignore_ascii_case(written).then_some((with, written.len()))
    })
}

/// Up to the last whole sentence that fits, or the last whole word.
fn shortened(text: &str) -> &str {
    let text = text.trim();
    let Some((end, _)) = text.char_indices().nth(GREETING_CHARS_MAX) else {
        return text;
    };
    let head = &text[..end];
    let cut = head.rfind(['.', '!', '?']).map(|at| at + 1).or_else(|| head.rfind(' '));
    head[..cut.unwrap_or(end)].trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_v2_card_is_read_from_its_data() {
        let json = r#"{
            "spec": "chara_card_v2", "spec_version": "2.0", "name": "outer",
            "data": {
                "name": " Mira ", "description": "{{char}} repairs clocks for {{User}}.",
                "personality": "patient", "scenario": "A workshop at night.",
                "first_mes": "*looks up* Oh, <USER>! Late again?", "mes_example": "ignored",
                "system_prompt": "{{original}} Never leave the workshop.",
                "tags": ["x"], "character_book": null
            }
        }"#;
        let card = parse(json).unwrap();
        assert_eq!(card.name.as_deref(), Some("Mira"));
        assert_eq!(
            card.text,
            "Never leave the workshop.\n\
             Mira repairs clocks for the visitor.\n\
             Personality: patient\n\
             Scenario: A workshop at night.\n\
             How Mira speaks, for example: *looks up* Oh, the visitor! Late again?"
        );
    }

    #[test]
    fn a_v1_card_has_its_fields_at_the_top_and_null_is_nothing() {
        let card = parse(r#"{"name":null,"description":"A {wise} owl <3.","scenario":""}"#);
        let card = card.unwrap();
        assert_eq!(card, Card { name: None, text: "A {wise} owl <3.".to_owned() });
    }

    #[test]
    fn a_greeting_alone_is_no_card() {
        assert_eq!(parse(r#"{"name":"Mira","first_mes":"Hello!"}"#).unwrap().text, "");
    }

    #[test]
    fn a_long_greeting_ends_with_a_sentence() {
        let long = format!("Ünd so. {}", "wörd ".repeat(100));
        assert_eq!(shortened(&long), "Ünd so.");
        assert_eq!(shortened(&"wörd ".repeat(100)).chars().count(), 299);
    }

    #[test]
    fn what_is_no_card_is_an_error() {
        for json in ["", "[]", "7", r#"{"data": 3}"#, r#"{"name": {"a": 1}}"#] {
            assert!(parse(json).is_err(), "{json:?}");
        }
    }
}
