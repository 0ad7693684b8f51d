//! Deciding who answers: one new line, read in the seats of 1 to 12 personas that hold the talk
//! before it.

use std::time::{Duration, Instant};

use super::cast::{DEADLINE, message, persona};
use super::{Load, Options, load, median, rounded, wrong};
use crate::bench::{BenchError, Report, ms};
use crate::llm::{Engine as _, Question, Role};
use crate::time::Clock;

const WIDTHS: [usize; 5] = [1, 2, 4, 8, 12];
/// The widths that the figure compares.
const FEW: usize = 1;
const MANY: usize = 8;

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result<(), BenchError> {
    let most = WIDTHS[WIDTHS.len() - 1];
    let settings = Load { threads: options.threads, ..Load::new(options.model.clone(), most) };
    let engine = load(settings, Clock::start()).await?;
    let view = |seat: usize, round: usize| {
        let system = format!("You are persona {seat} in a room. Reply in one short sentence.");
        let asks = format!("Tom: I have {round} questions about the garden.\nTom:");
        vec![message(Role::System, system), message(Role::User, asks)]
    };
    let (mut few, mut many) = (Duration::ZERO, Duration::ZERO);
    for width in WIDTHS {
        let mut took = Vec::new();
        for round in 1..=options.rounds.max(1) {
            let round = width * 100 + round;
            for seat in 0..width {
                engine.warm_up(&persona(seat), &view(seat, round)).await.map_err(wrong)?;
            }
            let question = |seat: usize| Question {
                seat: persona(seat),
                messages: view(seat, round),
                text: " who of you knows what grows in the shade of a wall?".to_owned(),
            };
            let questions = (0..width).map(question).collect();
            let begun = Instant::now();
            engine.score(questions, DEADLINE).await.map_err(wrong)?;
            took.push(begun.elapsed());
        }
        let took = median(took);
        few = if width == FEW { took } else { few };
        many = if width == MANY { took } else { many };
        report.figures.insert(format!("decide_{width}_ms"), rounded(ms(took)));
    }
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    report.figures.insert("decide_8_vs_1".to_owned(), rounded(ratio));
    Ok(())
}
