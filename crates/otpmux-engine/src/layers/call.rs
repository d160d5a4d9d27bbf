/// The calls of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Send,
    Verify,
    Resend,
    Cancel,
    Status,
    Balance,
    Report,
    Receipts,
}

impl Call {
    pub(super) const COUNT: usize = 8;

    /// The word that metrics and logs use.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Verify => "verify",
            Self::Resend => "resend",
            Self::Cancel => "cancel",
            Self::Status => "status",
            Self::Balance => "balance",
            Self::Report => "report",
            Self::Receipts => "receipts",
        }
    }
}
