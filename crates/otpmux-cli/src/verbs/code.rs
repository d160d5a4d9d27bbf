//! Codes that a user types.

use std::io::{self, BufRead as _};

use otpmux::{Code, Selector, Verdict, Verify};
use otpmux_gateway::views::VerdictView;
use serde_json::json;

use super::backend::Backend;
use crate::Exit;
use crate::output::{BAD, GOOD, Output};
use crate::report;

/// Asks for codes until one is right or none is valid any more.
pub(super) async fn ask(
    backend: &Backend,
    which: &Selector,
    verify: &Verify,
    output: &mut Output,
) -> io::Result<Exit> {
    let mut typed = Vec::new();
    loop {
        output.ask("Code:")?;
        typed.clear();
        if io::stdin().lock().read_until(b'\n', &mut typed)? == 0 {
            output.note(if backend.is_shared() {
                "\nno further code was typed; it can be verified until it expires"
            } else {
                "\nno further code was typed; the verification ends with this program, so send a new code"
            })?;
            return Ok(Exit::Failed);
        }
        let code = match String::from_utf8_lossy(&typed).parse::<Code>() {
            Ok(code) => code,
            Err(error) => {
                output.note(format!("{error}; this did not count"))?;
                continue;
            }
        };
        match check(backend, which, &code, verify.clone(), output).await? {
            (Some(Verdict::WrongCode { .. }), Exit::Failed) => {}
            (_, exit) => return Ok(exit),
        }
    }
}

/// Verifies one code, and reports the verdict or the failure.
pub(super) async fn check(
    backend: &Backend,
    which: &Selector,
    code: &Code,
    verify: Verify,
    output: &mut Output,
) -> io::Result<(Option<Verdict>, Exit)> {
    let asked = backend.verify(which.clone(), code, verify);
    let verdict = match output.during("verifying", asked).await? {
        Ok(verdict) => verdict,
        Err(failure) => return Ok((None, failure.report(output)?)),
    };
    if output.is_json() {
        output.json(&json!(VerdictView::from(&verdict)))?;
    } else {
        let style = if verdict.is_approved() { GOOD } else { BAD };
        output.line(format_args!("{style}{}{style:#}", report::verdict_text(&verdict)))?;
    }
    let exit = Exit::from(&verdict);
    Ok((Some(verdict), exit))
}
