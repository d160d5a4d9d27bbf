//! Ids of requests: those of verifications, written as Vonage writes its own.

use otpmux::VerificationId;

/// Returns an id with dashes, as a UUID.
pub(super) fn write(id: VerificationId) -> String {
    let hex = id.to_string();
    let mut text = String::with_capacity(36);
    for (at, digit) in hex.chars().enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

/// Reads an id, with or without dashes; `None` for any other text.
pub(super) fn read(text: &str) -> Option<VerificationId> {
    if text.len() > 36 {
        return None;
    }
    text.replace('-', "").to_ascii_lowercase().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_to_clients() {
        let id: VerificationId = "0af7651916cd43dd8448eb211c80319c".parse().unwrap();
        let text = "0af76519-16cd-43dd-8448-eb211c80319c";
        assert_eq!(write(id), text);
        for known in [text, &text.to_uppercase(), "0af7651916cd43dd8448eb211c80319c"] {
            assert_eq!(read(known), Some(id), "{known}");
        }
        for bad in ["", "-", "0af76519", &format!("{text}0"), &"-".repeat(40)] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
