//! How a launch ended, and the exit code that says so.

/// `sandbox` itself failed, and nothing was started.
pub const FAILED: u8 = 125;
/// The program was found and cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// The program was not found inside.
pub const NOT_FOUND: u8 = 127;
/// A signal's number is added to this when it ended the program.
pub const SIGNALED: u8 = 128;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Exited(u8),
    /// Signal number.
    Signaled(i32),
    /// A signal, by its number, came before the program ran: none did.
    CalledOff(i32),
    /// No program ran: the exit code and why.
    Failed {
        code: u8,
        message: String,
        hint: Option<String>,
    },
}

impl Outcome {
    pub fn code(&self) -> u8 {
        match self {
            Outcome::Exited(code) => *code,
            Outcome::Signaled(signal) | Outcome::CalledOff(signal) => {
                SIGNALED.saturating_add(u8::try_from(*signal).unwrap_or(0))
            }
            Outcome::Failed { code, .. } => *code,
        }
    }
}
