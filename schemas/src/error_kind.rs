//! What a caller can do about an error, whatever crate it comes from.

/// One per way of reacting: a new kind only when callers would act differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Try again later: a disk, a peer or a resource is not there now.
    Unavailable,
    /// The request or the input is wrong; the same call fails again.
    Invalid,
    /// What was named does not exist.
    NotFound,
    /// The principal may not do this.
    Denied,
    /// A named limit was reached.
    LimitReached,
    /// Stored or received data does not match its hash.
    Corrupt,
    /// Our bug.
    Internal,
}
