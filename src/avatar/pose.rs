//! How a face holds itself at one moment.

use crate::room::AgentState;

/// Everything about a face that moves. Lengths are in units of the drawing (a hundredth of its
/// side), parts go from 0 to 1 or from -1 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    pub state: AgentState,
    pub mouth: Mouth,
    /// How the closed mouth smiles: 0 is straight.
    pub smile: f32,
    /// How far the eyes are open.
    pub lids: f32,
    /// Where they look, to its left (-1 to 1) and down.
    pub gaze: (f32, f32),
    /// Raised brows; negative is lowered.
    pub brows: f32,
    /// The head's, in degrees.
    pub tilt: f32,
    /// The head's way from its place, to the right and down.
    pub shift: (f32, f32),
    /// How loud it speaks.
    pub level: f32,
    /// Of the ring and the dots while it thinks: which of four steps, and whole.
    pub step: u8,
}

/// The parts of a mouth's shape, each from 0 to 1, `wide` from -1 (pursed) to 1 (spread).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mouth {
    pub open: f32,
    pub wide: f32,
    pub teeth: f32,
    pub tongue: f32,
}

impl Default for Pose {
    /// At ease.
    fn default() -> Self {
        Self {
            state: AgentState::Idle,
            mouth: Mouth::default(),
            smile: 0.5,
            lids: 1.0,
            gaze: (0.0, 0.0),
            brows: 0.0,
            tilt: 0.0,
            shift: (0.0, 0.0),
            level: 0.0,
            step: 0,
        }
    }
}

impl Pose {
    /// Whether a picture of the other would not differ: nothing has moved by more than about a
    /// tenth of a pixel of a frame of 320.
    pub fn looks_like(&self, other: &Self) -> bool {
        /// A unit is three pixels.
        const STEP: f32 = 0.03;
        /// Parts from 0 to 1 move up to nine units.
        const PART: f32 = 0.004;
        let near = |a: f32, b: f32, step: f32| (a - b).abs() <= step;
        self.state == other.state
            && self.step == other.step
            && near(self.mouth.open, other.mouth.open, PART)
            && near(self.mouth.wide, other.mouth.wide, 3.0 * PART)
            && near(self.mouth.teeth, other.mouth.teeth, 3.0 * PART)
            && near(self.mouth.tongue, other.mouth.tongue, 3.0 * PART)
            && near(self.smile, other.smile, 5.0 * PART)
            && near(self.lids, other.lids, 3.0 * PART)
            && near(self.gaze.0, other.gaze.0, 5.0 * PART)
            && near(self.gaze.1, other.gaze.1, 5.0 * PART)
            && near(self.brows, other.brows, 5.0 * PART)
            && near(self.tilt, other.tilt, 2.0 * STEP)
            && near(self.shift.0, other.shift.0, STEP)
            && near(self.shift.1, other.shift.1, STEP)
            && near(self.level, other.level, 3.0 * PART)
    }
}
