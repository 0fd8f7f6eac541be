//! Defects that a test can switch on, to see that the simulation finds them.

/// A mistake in the model, one at a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// The inbox is not read, so a message that comes twice is handled twice.
    SkippedInbox,
    /// A message is deleted before the commit, so a crash loses it.
    DeletedBeforeCommit,
    /// Events are sent after the commit without an outbox, so a crash loses them.
    SkippedOutbox,
    /// Payment does not void the authorization of an order whose stock was rejected.
    SkippedVoid,
    /// Inventory does not record a release, so a repeated cancellation releases again.
    UnrecordedRelease,
    /// Shipping does not record a dispatch, so a later cancellation wins, too.
    UnrecordedDispatch,
    /// Shipping does not record the cancellation of an order that it has not received yet.
    SkippedTombstone,
    /// Each call to the provider has its own key, so a repeated authorization is a second one.
    NewKeyPerCall,
    /// No service publishes again what is overdue, so a lost message is lost for good.
    SkippedRepublishing,
}

impl Defect {
    /// Every defect.
    pub const ALL: [Defect; 9] = [
        Defect::SkippedInbox,
        Defect::DeletedBeforeCommit,
        Defect::SkippedOutbox,
        Defect::SkippedVoid,
        Defect::UnrecordedRelease,
        Defect::UnrecordedDispatch,
        Defect::SkippedTombstone,
        Defect::NewKeyPerCall,
        Defect::SkippedRepublishing,
    ];
}
