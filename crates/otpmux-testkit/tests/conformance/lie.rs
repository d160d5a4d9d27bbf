macro_rules! lies {
    ($($name:ident,)+) => {
        /// Mistakes of a provider.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Lie {
            None,
            $($name,)+
        }

        impl Lie {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)+];
        }
    };
}

lies! {
    StatusUnsupported,
    NotIdempotent,
    IgnoresMessage,
    CancelsNothing,
    RefusesReports,
    BelievesForgedReceipts,
    SendsToTestRecipients,
    AsksUnclaimed,
    ChecksNothing,
    ApprovesEverything,
    ApprovesAnySuccess,
    ApprovesByStatus,
    WrongCodeIsAnError,
    CountsNoAttempts,
    CallsServerErrorsRefused,
    CallsBreaksNotSent,
    BlamesTheCaller,
    AcceptsGarbage,
    SendsTwice,
    RetriesAfterBreak,
    FollowsRedirects,
    IgnoresDeadlines,
    DropsLeadingZeros,
    LeaksInDebug,
    LeaksInErrors,
    LeaksInLogs,
    LeaksTheKey,
    PanicsOnGarbage,
    CallsRefusalsUnknown,
    CallsRefusalsNotSent,
    WritesBalanceInWords,
    NeverSendsAgain,
    ChangesItsName,
    BreaksWhenDropped,
    RefusesWishes,
    RefusesLifetimes,
    IgnoresVendorLengths,
}
