//! Who speaks first, and who after whom.

use super::lexicon::Lexicon;
use super::mentions::{Mention, Who};
use super::words::Word;

/// The personas whom `line` puts into an order, those of `cast` who are left out of it not among
/// them; none when it gives no order.
pub(super) fn find(
    line: &[Word],
    lexicon: &Lexicon,
    mentions: &[Mention],
    cast: usize,
) -> Option<Vec<usize>> {
    let text = |at: usize| line.get(at).map_or("", |word| word.text.as_str());
    let before = |at: usize, back: usize| at.checked_sub(back).map_or("", text);
    let mut named: Vec<(usize, usize, usize)> = Vec::new();
    let mut everybody = false;
    let is_order = |at: usize| lexicon.order.has(text(at));
    let mut ordered = false;
    let mut last_end = None;
    for mention in mentions.iter().filter(|mention| !line[mention.end - 1].owns) {
        let gap = last_end.map_or(mention.start.saturating_sub(2), |end| end);
        let whole = line[gap..mention.start].iter().all(|word| !word.after.ends_sentence());
        ordered |= whole && (gap..mention.start).any(is_order)
            || is_order(mention.end)
            || is_order(mention.end + 1);
        last_end = Some(mention.end);
        for (at, who) in mention.who.iter().enumerate() {
            match *who {
                // Only the first of a list stands behind what is before the list.
                Who::Persona(one) if at == 0 => named.push((one, mention.start, mention.end)),
                Who::Persona(one) => named.push((one, mention.end, mention.end)),
                Who::Everybody => everybody = true,
                Who::Human(_) => {}
            }
        }
    }
    let begins = |word: &str| matches!(word, "starting" | "start" | "begin" | "beginning");
    let starts = (0..line.len()).any(|at| begins(text(at)));
    if !ordered || named.len() < 2 && !(everybody && starts && !named.is_empty()) {
        return None;
    }
    let mut order: Vec<usize> = Vec::new();
    let mut last: Option<usize> = None;
    let mut first: Option<usize> = None;
    for (one, start, end) in named {
        let next = text(end);
        let second = text(end + 1);
        let goes = matches!(next, "goes" | "speaks" | "is" | "comes" | "go");
        let next = if goes && !second.is_empty() { second } else { next };
        if matches!(next, "last" | "lastly" | "finally")
            || matches!(before(start, 1), "finally" | "lastly")
        {
            last = Some(one);
        } else if before(start, 1) == "before" && order.is_empty() {
            // "Before Ada begins, Hugo, please."
            last = Some(one);
        } else if matches!(next, "first" | "starts" | "begins" | "opens")
            || before(start, 2) == "start"
            || before(start, 2) == "starting"
        {
            first = first.or(Some(one));
        }
        // "Ada after Hugo": who is named second speaks first; "after Ada, Hugo" is in order.
        let behind = before(start, 1) == "after"
            && !order.is_empty()
            && !matches!(before(start, 2), "and" | "then");
        match order.len() {
            length if behind => order.insert(length - 1, one),
            _ if order.contains(&one) => {}
            _ => order.push(one),
        }
    }
    if everybody {
        let rest: Vec<usize> = (0..cast).filter(|one| !order.contains(one)).collect();
        order.extend(rest);
    }
    if let Some(first) = first {
        order.retain(|one| *one != first);
        order.insert(0, first);
    }
    if let Some(last) = last.filter(|last| order.contains(last)) {
        order.retain(|one| *one != last);
        order.push(last);
    }
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::super::expertise::Card;
    use super::super::mentions::{self, Present};
    use super::super::words::words;
    use super::*;

    #[test]
    fn orders_are_read_in_every_form() {
        let cast = ["Ada", "Nora", "Hugo"].map(|name| Card::of(name, ""));
        let present = Present::of(cast.iter(), &[]);
        for (line, want) in [
            ("Hugo first, then Ada.", Some(vec![2, 0])),
            ("nora then hugo then ada what do you think", Some(vec![1, 2, 0])),
            ("We shall hear Nora on this, and after her Ada.", Some(vec![1, 0])),
            ("Ada after Hugo, please.", Some(vec![2, 0])),
            ("After Ada, Hugo, please.", Some(vec![0, 2])),
            ("Ada last, Nora and Hugo before that.", Some(vec![1, 2, 0])),
            ("Everyone, starting with Hugo.", Some(vec![2, 0, 1])),
            ("Ada and Hugo, what do you think?", None),
            ("Hugo, and you?", None),
        ] {
            let line_words = words(line);
            let lexicon = Lexicon::of(&line_words);
            let found = mentions::find(&line_words, lexicon, &present);
            assert_eq!(find(&line_words, lexicon, &found, 3), want, "{line}");
        }
    }
}
