//! `otpmux demo`: a send, a verify and a failover on this machine, with real sockets and emulated
//! vendors.

mod stage;

use std::error::Error;
use std::io;

use otpmux::{Code, Verdict, Verification};
use otpmux_emulator::{Fault, FaultKind, Message, Vendor};

use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::report;
use stage::{Stage, wrong};

/// Indian mobile numbers, which all vendors here reach.
const FIRST: &str = "+919876543210";
const SECOND: &str = "+919812345678";
const THIRD: &str = "+919898989898";
const FOURTH: &str = "+919811112222";

pub(crate) async fn run(output: &mut Output) -> io::Result<Exit> {
    match play(output).await {
        Ok(()) => Ok(Exit::Done),
        Err(error) => {
            Failure::here(format!("the demonstration left its script: {error}")).report(output)
        }
    }
}

async fn play(output: &mut Output) -> Result<(), Box<dyn Error>> {
    let mut stage = Stage::set().await?;
    output.story(
        "These vendors are played on this machine; nothing leaves it. The configuration is",
    )?;
    output.story("a real one: without base_url it would reach the vendors themselves.\n")?;
    for line in stage.config().lines() {
        output.story(format!("    {line}").trim_end())?;
    }
    one_code(&mut stage, output).await?;
    lost_answer(&mut stage, output).await?;
    refusal(&mut stage, output).await?;
    code_of_the_vendor(&mut stage, output).await?;
    stage.close().await;
    output.title("\nWhat you saw")?;
    output.story(
        "    One code per verification, whichever vendor carries it: any message that arrives works.",
    )?;
    output.story("    One more message at most when it is unknown whether the first went out.")?;
    output.story("    None when the first vendor certainly did nothing.")?;
    output.story("    The same two calls for a vendor that makes and verifies its own codes.")?;
    output.story("\nNext: `otpmux emulate` keeps the vendors running for your application;")?;
    output.story("`otpmux send --help` sends through your own configuration.")?;
    Ok(())
}

async fn one_code(stage: &mut Stage, output: &mut Output) -> Result<(), Box<dyn Error>> {
    let vendor = stage.roles().first;
    output.title(&format!("\n1. A code goes out through {}", vendor.name()))?;
    let sent = stage.send(FIRST).await?;
    show_attempts(&sent, output)?;
    let messages = stage.arrived();
    show_messages(&messages, output)?;
    expect_from(&messages, &[vendor])?;
    let code = &messages[0].code;
    for (typed, what, expected) in [
        (wrong(code)?, "a wrong code", "wrong_code"),
        (code.parse()?, "the right code", "approved"),
        (code.parse()?, "the same again", "already_used"),
    ] {
        let verdict = verify(stage, &sent, &typed, what, output).await?;
        expect(verdict.as_str() == expected, "the verdict")?;
    }
    Ok(())
}

async fn lost_answer(stage: &mut Stage, output: &mut Output) -> Result<(), Box<dyn Error>> {
    let (first, second) = (stage.roles().first, stage.roles().second);
    output.title(&format!(
        "\n2. {} breaks at the worst moment: the message is out, its answer is lost",
        first.name()
    ))?;
    stage.break_first(Fault::new(FaultKind::ResetAfterRead).after_work());
    let sent = stage.send(SECOND).await?;
    show_attempts(&sent, output)?;
    output.story(format_args!(
        "    Whether {} sent anything cannot be known. The policy allows one duplicate,",
        first.name()
    ))?;
    output.story(format_args!("    so {} sends too, and sends the same code:", second.name()))?;
    let messages = stage.arrived();
    show_messages(&messages, output)?;
    expect_from(&messages, &[first, second])?;
    expect(messages[0].code == messages[1].code, "one code for both")?;
    let code = messages[0].code.parse()?;
    let verdict = verify(stage, &sent, &code, "the code of either message", output).await?;
    expect(verdict.is_approved(), "approval")?;
    output.story(format_args!(
        "    {} is still down: verifying a code that otpmux made needs no vendor.",
        first.name()
    ))?;
    stage.mend_first();
    Ok(())
}

async fn refusal(stage: &mut Stage, output: &mut Output) -> Result<(), Box<dyn Error>> {
    let (first, second) = (stage.roles().first, stage.roles().second);
    output.title(&format!("\n3. {} refuses: its account is empty", first.name()))?;
    stage.break_first(Fault::status(402));
    let sent = stage.send(THIRD).await?;
    show_attempts(&sent, output)?;
    output.story(format_args!(
        "    A refusal is certain: {} sent nothing, so there is one message in all.",
        first.name()
    ))?;
    let messages = stage.arrived();
    show_messages(&messages, output)?;
    expect_from(&messages, &[second])?;
    let code = messages[0].code.parse()?;
    let verdict = verify(stage, &sent, &code, "the code", output).await?;
    expect(verdict.is_approved(), "approval")?;
    stage.mend_first();
    Ok(())
}

async fn code_of_the_vendor(stage: &mut Stage, output: &mut Output) -> Result<(), Box<dyn Error>> {
    let (vendor, channel) = (stage.roles().code_maker, stage.roles().channel.clone());
    let name = vendor.name();
    output.title(&format!(
        "\n4. By {channel}, which {name} alone offers here, with a code that it makes"
    ))?;
    let sent = stage.send_by(channel, FOURTH).await?;
    show_attempts(&sent, output)?;
    let messages = stage.arrived();
    show_messages(&messages, output)?;
    expect_from(&messages, &[vendor])?;
    output.story(format_args!(
        "    {name} made this code and takes none, so it is asked about each try."
    ))?;
    let code = &messages[0].code;
    for (typed, what, expected) in [
        (wrong(code)?, "a wrong code", "wrong_code"),
        (code.parse()?, "the right code", "approved"),
    ] {
        let verdict = verify(stage, &sent, &typed, what, output).await?;
        expect(verdict.as_str() == expected, "the verdict")?;
    }
    Ok(())
}

fn show_attempts(sent: &Verification, output: &mut Output) -> io::Result<()> {
    output.story(format_args!("    send to {}", sent.to))?;
    for attempt in &sent.send_attempts {
        output.story(format_args!("      {}", report::attempt_text(attempt)))?;
    }
    Ok(())
}

fn show_messages(messages: &[Message], output: &mut Output) -> io::Result<()> {
    for message in messages {
        output.story(format_args!(
            "    handset: \"{}\" (by {})",
            message.text,
            message.vendor.name()
        ))?;
    }
    Ok(())
}

async fn verify(
    stage: &Stage,
    sent: &Verification,
    code: &Code,
    what: &str,
    output: &mut Output,
) -> Result<Verdict, Box<dyn Error>> {
    let verdict = stage.client().verify(sent.id, code).await?;
    output.story(format_args!(
        "    {what}, {}: {}",
        code.expose(),
        report::verdict_text(&verdict)
    ))?;
    Ok(verdict)
}

fn expect_from(messages: &[Message], vendors: &[Vendor]) -> Result<(), String> {
    let came = messages.iter().map(|message| &message.vendor);
    expect(came.eq(vendors), "who sends what")
}

fn expect(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{what} came out otherwise")) }
}
