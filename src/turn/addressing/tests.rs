use std::sync::LazyLock;

use super::*;
use crate::latency::Reason;

const CAST: [&str; 4] = ["Ada", "Nora", "Hugo Weber", "Will"];

static CARDS: LazyLock<Vec<Card>> = LazyLock::new(|| cards(&CAST));

fn cards(names: &[&str]) -> Vec<Card> {
    names.iter().map(|name| Card::of(name, "A friend.")).collect()
}

fn candidates(cards: &[Card]) -> Vec<Candidate<'_>> {
    let candidate = |(rank, card)| Candidate { card, open: true, silenced: false, rank };
    (0..).zip(cards).map(candidate).collect()
}

fn scene() -> Scene<'static> {
    Scene { cast: candidates(&CARDS), humans: vec!["Bob Miller", "Zoë"], ..Scene::default() }
}

fn who(verdict: &Verdict) -> Vec<&'static str> {
    verdict.addressees.iter().map(|one| CAST[one.persona].split(' ').next().unwrap()).collect()
}

/// Each line with those who are called in it, in order; `rotation` when nobody is, and `nobody`
/// when it is for no persona at all.
const CALLS: &[(&str, &str)] = &[
    // At the start, with and without punctuation, spelled and heard in every way.
    ("Ada, what time is it?", "Ada"),
    ("ada what time is it", "Ada"),
    ("ADA! What time is it?", "Ada"),
    ("Ada. What time is it?", "Ada"),
    ("Ada: the time, please", "Ada"),
    ("Hey Ada, are you there?", "Ada"),
    ("okay so nora can you explain that", "Nora"),
    ("Ada is it raining?", "Ada"),
    ("Ada could you help me", "Ada"),
    ("Ada tell me a story", "Ada"),
    ("Aida, what time is it?", "Ada"),
    ("Norah, do you like roses?", "Nora"),
    ("Hugo Weber, your opinion?", "Hugo"),
    ("Hi, Hugo.", "Hugo"),
    ("Ada?", "Ada"),
    // At the end and in the middle.
    ("What do you think, Ada?", "Ada"),
    ("what do you think ada", "Ada"),
    ("Thank you, Hugo.", "nobody"),
    ("thanks nora", "nobody"),
    ("Tell me, Nora, what grows in the shade?", "Nora"),
    ("And you, Hugo?", "Hugo"),
    ("What about Nora?", "Nora"),
    ("I have a question for Hugo.", "Hugo"),
    ("Let's hear from Nora on this.", "Nora"),
    ("I was wondering, Ada, do you sleep?", "Ada"),
    ("That was nice. Hugo, do you agree?", "Hugo"),
    // Names that are words.
    ("Will, do you act?", "Will"),
    ("Will you help me with the dishes?", "nobody"),
    ("will what do you think", "Will"),
    ("Hey Will do you act", "Will"),
    // Several, in order.
    ("Ada and Hugo, what do you think?", "Ada Hugo"),
    ("Nora, Hugo, Ada, say hello.", "Nora Hugo Ada"),
    ("Hugo first, then Nora.", "Hugo Nora"),
    ("Hugo, Ada is wrong, isn't she?", "Hugo"),
    ("Ada, no, Hugo, what do you think?", "Hugo"),
    // Everybody.
    ("Everyone, introduce yourselves.", "Ada Nora Hugo Will"),
    ("Hello everybody!", "Ada Nora Hugo Will"),
    ("What do all of you think?", "Ada Nora Hugo Will"),
    ("Does everyone agree?", "Ada Nora Hugo Will"),
    ("hi all", "Ada Nora Hugo Will"),
    ("Good morning, ladies and gentlemen.", "Ada Nora Hugo Will"),
    ("Salut tout le monde !", "Ada Nora Hugo Will"),
    ("Guten Abend zusammen.", "Ada Nora Hugo Will"),
    ("Hello to the entire table.", "Ada Nora Hugo Will"),
    ("The whole table was set for dinner.", "nobody"),
    ("Everyone knows that it rains in April.", "nobody"),
    // Talked about, and left out.
    ("Ada is great at chess.", "nobody"),
    ("I met Ada yesterday.", "nobody"),
    ("Ada's garden is lovely.", "nobody"),
    ("I told Nora about the ladder.", "nobody"),
    ("Ada said she would come.", "nobody"),
    // Humans among themselves.
    ("Bob, did you bring the salad?", "nobody"),
    ("did you bring the salad bob", "nobody"),
    ("What do you think, Zoe?", "nobody"),
    ("Bob, ask Ada about the salad.", "nobody"),
    ("Ada, Bob has a question.", "Ada"),
    // Nothing to say to it.
    ("Stop.", "nobody"),
    ("Ada, be quiet please.", "nobody"),
    ("Please stop. Nora, do you like roses?", "Nora"),
    ("No more talking, please.", "nobody"),
    ("What do you think, nor do you talk to your plants?", "nobody"),
    ("Nora, how are you? Everybody, please stop.", "nobody"),
    ("Nora, please stop. Ada, what is the time?", "Ada"),
    ("mhm", "nobody"),
    ("", "nobody"),
    ("…", "nobody"),
    // Nobody in particular.
    ("What is the tallest mountain?", "rotation"),
    ("I have an idea, it is about tea.", "nobody"),
];

#[test]
fn who_is_called() {
    let mut wrong = Vec::new();
    for (line, want) in CALLS {
        let verdict = addressees(line, &scene());
        let found = match who(&verdict).join(" ") {
            none if none.is_empty() => "nobody".to_owned(),
            _ if !verdict.named => "rotation".to_owned(),
            names => names,
        };
        if found != *want {
            wrong.push(format!("{line:?}: {found}, not {want}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn who_is_left_out_does_not_answer() {
    let found = |line| who(&addressees(line, &scene())).join(" ");
    assert_eq!(found("Not you, Ada."), "", "nothing is asked");
    assert_eq!(found("Not you, Ada. What is new?"), "Nora");
    assert_eq!(found("Somebody other than Ada, please."), "Nora");
    assert_eq!(found("All of you except Hugo, what is new?"), "Ada Nora Will");
}

#[test]
fn a_question_is_never_weighed_away_from_whom_it_is_put_to() {
    let found = |line| who(&addressees(line, &scene())).join(" ");
    assert_eq!(found("Ada, will it hold"), "Ada");
    assert_eq!(found("Thank you, and what is that, Hugo?"), "Hugo");
    assert_eq!(found("Nora. Thanks. Shall we go on later?"), "Nora");
    assert_eq!(found("Will we, Nora, be all right?"), "Nora");
    assert_eq!(found("ada is that a bat or a bird"), "Ada");
    // Weighed: it is only told, or told about.
    assert_eq!(found("That will do, Hugo."), "");
    assert_eq!(found("Ada is a bit of a drama queen."), "");
    assert_eq!(found("Nora, thanks, we know all that already."), "");
}

#[test]
fn talk_goes_on_with_whom_it_was() {
    let named = Scene { named_before: Some(2), ..scene() };
    assert_eq!(who(&addressees("And how far is it from here to there?", &named)), ["Hugo"]);
    assert_eq!(who(&addressees("Nora, and you?", &named)), ["Nora"]);
    let spoke_last = Some(SpokeLast { persona: 1, asked: false, ..SpokeLast::default() });
    let answered = Scene { answered_before: Some(1), spoke_last, ..scene() };
    assert_eq!(who(&addressees("Why is that?", &answered)), ["Nora"]);
    assert_eq!(who(&addressees("Is there any more bread in the kitchen?", &answered)), ["Ada"]);
    let whoever = "Does anybody know how bread is baked in a kitchen?";
    assert_eq!(who(&addressees(whoever, &answered)), ["Ada"]);
}

#[test]
fn whoever_waited_longest_comes_next_and_the_closed_are_passed_over() {
    let mut scene = scene();
    scene.cast[0].rank = 9;
    scene.cast[1].open = false;
    assert_eq!(who(&addressees("What is the tallest mountain?", &scene)), ["Hugo"]);
    scene.named_before = Some(1);
    assert_eq!(who(&addressees("What is the tallest mountain?", &scene)), ["Hugo"]);
    scene.cast.iter_mut().for_each(|one| one.open = false);
    let verdict = addressees("What is the tallest mountain?", &scene);
    assert_eq!(verdict.others, (Outcome::Passed, Reason::Borrowed("not named")));
}

#[test]
fn an_answer_among_humans_is_left_alone_unless_it_names_a_persona() {
    let scene = Scene { among_humans: Some(Part::Member), ..scene() };
    assert_eq!(who(&addressees("Yes, it is in the car.", &scene)), [""; 0]);
    assert_eq!(who(&addressees("Ada knows. Ada, where is it?", &scene)), ["Ada"]);
}

#[test]
fn everybody_else_learns_why() {
    let others = |line| addressees(line, &scene()).others;
    assert_eq!(others("Hugo, hello."), (Outcome::Passed, "addressed to Hugo Weber".into()));
    assert_eq!(others("Bob, hello."), (Outcome::Passed, "addressed to a human".into()));
    assert_eq!(others("How high is it?"), (Outcome::Passed, "humans among themselves".into()));
    assert_eq!(others("How high is the Matterhorn?"), (Outcome::Outbid, "another's turn".into()));
}

#[test]
fn a_surer_call_has_more_confidence() {
    let confidence = |line| addressees(line, &scene()).addressees[0].confidence;
    let falling = ["Ada, hello.", "ada tell me more", "Aida, tell me more.", "What is a tree?"];
    assert!(falling.map(confidence).is_sorted_by(|a, b| a > b), "{:?}", falling.map(confidence));
}

#[test]
fn a_persona_follows_another_only_when_it_is_spoken_to() {
    let follow = |line| spoken(line, CARDS.iter(), &["Bob"], 0).next.map(|(one, _)| CAST[one]);
    assert_eq!(follow("Hugo, what do you think?"), Some("Hugo Weber"));
    assert_eq!(follow("I like Hugo."), None);
    assert_eq!(follow("Ada, that is me."), None);
    assert_eq!(follow("What do all of you think?"), None);
}

#[test]
fn a_persona_hands_the_talk_over_in_many_words() {
    let said = |line| spoken(line, CARDS.iter(), &["Bob"], 0);
    for line in [
        "I would leave that to Nora.",
        "That is not mine to promise. Nora, I pass this one to you.",
        "As to the law, I defer to Nora.",
        "Not my field. Over to you, Nora.",
        "I am no doctor. Nora will know better.",
        "Could well be, Bob, but I'd let our Nora answer that.",
    ] {
        assert_eq!(said(line).next.map(|(one, _)| CAST[one]), Some("Nora"), "{line}");
    }
    for line in [
        "Nora looked over your headlights this morning.",
        "Nora told me once that it is far.",
        "He did. I now hand over to Bob.",
    ] {
        let Spoken { next, spoke, .. } = said(line);
        assert_eq!((next, spoke.asked, spoke.handed), (None, false, false), "{line}");
    }
    assert!(said("It might be. Is it warm, Bob?").spoke.asked);
    assert!(!said("Nora, is it warm?").spoke.asked, "a persona is asked");
}

#[test]
fn names_that_are_words_are_told_by_their_place() {
    let cards = cards(&["Saffron", "Pike", "Joy", "Robin"]);
    let scene = Scene { cast: candidates(&cards), humans: vec!["Bob", "Zoe"], ..Scene::default() };
    let found = |line| addressees(line, &scene).addressees.first().map(|one| one.persona);
    assert_eq!(found("bob get the saffron and a pike if there is one"), None);
    assert_eq!(found("It was a joy to watch you, Zoe."), None);
    assert_eq!(found("Bob, look, there's a robin on the sill!"), None);
    assert_eq!(found("pike how many guns have we got"), Some(1));
    assert_eq!(found("Joy, is there a bed?"), Some(2));
}

#[test]
fn what_the_talk_obliges_to_comes_before_a_new_choice() {
    let asked = Some(SpokeLast { persona: 2, asked: true, ..SpokeLast::default() });
    let scene = |spoke_last| Scene { spoke_last, answered_before: Some(2), ..scene() };
    assert_eq!(who(&addressees("Money, like always.", &scene(asked))), ["Hugo"]);
    assert_eq!(who(&addressees("yes", &scene(asked))), ["Hugo"]);
    let told = Some(SpokeLast { persona: 2, asked: false, ..SpokeLast::default() });
    assert_eq!(addressees("right fair enough", &scene(told)).bearing, Bearing::Nothing);
    assert_eq!(who(&addressees("And why is that?", &scene(told))), ["Hugo"]);
    let owed = Scene { owed: vec![3], ..scene(told) };
    assert_eq!(addressees("And who is left?", &owed).bearing, Bearing::Owed);
}

#[test]
fn a_silence_holds_until_it_is_lifted_or_somebody_is_called() {
    let verdict = addressees("Everybody be quiet for a bit, I am on the phone.", &scene());
    assert_eq!((verdict.bearing, verdict.silenced), (Bearing::Silence, vec![0, 1, 2, 3]));
    let mut quiet = scene();
    quiet.cast.iter_mut().for_each(|one| one.silenced = true);
    assert_eq!(who(&addressees("What is the tallest mountain?", &quiet)), [""; 0]);
    assert_eq!(who(&addressees("Nora, what is the time?", &quiet)), ["Nora"]);
    let lifted = addressees("You can talk again. What is the tallest mountain?", &quiet);
    assert!(lifted.lifts_silence);
    assert_eq!(who(&lifted), ["Ada"]);
}

#[test]
fn names_in_other_alphabets_and_empty_names_do_no_harm() {
    let cards = cards(&["Алиса", "!!!"]);
    let scene = Scene { cast: candidates(&cards), humans: vec!["", "💥"], ..scene() };
    let verdict = addressees("алиса, как дела?", &scene);
    assert_eq!(verdict.addressees[0].persona, 0);
    assert!(verdict.named);
}
