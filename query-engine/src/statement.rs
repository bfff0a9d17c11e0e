//! Sorts SQL text into statements that the engine runs.

/// One parsed statement with the text it came from.
#[derive(Clone, Debug)]
pub struct Statement {}
