//! Trials of codes that otpmux generates.

use super::case::{Cases, ensure};
use super::stand::{fresh_code, unexpected};

pub(super) fn claimed(cases: &mut Cases) {
    let Some(range) = cases.capabilities().otpmux_codes.clone() else {
        return;
    };
    let (shortest, longest) = range.into_inner();
    for (name, length) in [("shortest", shortest), ("longest", longest)] {
        // Leading zeros get lost if a code is read as a number.
        cases.add(format!("otpmux-codes/{name}-with-leading-zeros"), async move |bench| {
            let stand = bench.start().await?;
            let code = fresh_code(length);
            ensure!(code.len() == usize::from(length), "codes have 4 to 10 digits");
            let request = stand.otpmux_code_request(&code);
            stand.send(&request).await.map_err(unexpected)?;
            let message = stand.last_message().await?;
            ensure!(message.code == code, "another code than ours arrived");
            ensure!(message.text.contains(&code), "the text does not hold the code");
            Ok(())
        });
    }
    let outside: Vec<u8> =
        (4..=10).filter(|length| !(shortest..=longest).contains(length)).collect();
    if !outside.is_empty() {
        cases.add("otpmux-codes/other-lengths-are-refused", async move |bench| {
            let stand = bench.start().await?;
            for length in outside {
                let request = stand.otpmux_code_request(&fresh_code(length));
                stand.unsupported(stand.send(&request)).await?;
            }
            Ok(())
        });
    }
}

/// A code with letters of both cases, of a length that every provider takes.
const WITH_LETTERS: &str = "0aM5";

pub(super) fn letters(cases: &mut Cases) {
    cases.add("otpmux-codes/letters-are-kept", async |bench| {
        let stand = bench.start().await?;
        let request = stand.otpmux_code_request(WITH_LETTERS);
        stand.send(&request).await.map_err(unexpected)?;
        let message = stand.last_message().await?;
        ensure!(message.text.contains(WITH_LETTERS), "the text does not hold the code");
        Ok(())
    });
}

pub(super) fn digits_only(cases: &mut Cases) {
    if cases.capabilities().otpmux_codes.is_some() {
        cases.add("otpmux-codes/letters-are-refused", async |bench| {
            let stand = bench.start().await?;
            let request = stand.otpmux_code_request(WITH_LETTERS);
            stand.unsupported(stand.send(&request)).await
        });
    }
}

pub(super) fn unclaimed(cases: &mut Cases) {
    cases.add("otpmux-codes/are-refused", async |bench| {
        let stand = bench.start().await?;
        let request = stand.otpmux_code_request(&fresh_code(6));
        stand.unsupported(stand.send(&request)).await
    });
}
