//! One process of the application: a client over three vendors and a shared store, which executes
//! the requests on its input, line by line.

use std::sync::Arc;
use std::time::Duration;

use otpmux::{
    Error, MessageLimits, NewVerification, OtpClient, Policy, Resend, Resilience, Secret,
    ServerKeys, Verification,
};
use otpmux_redis::{Options, RedisStore};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, stdin, stdout};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::Mistake;
use crate::accounts::provider;
use crate::wire::{Answer, Answered, Ask, Asked, Failed, READY, Sent, Setup};

/// The time limit of one send attempt; a whole send may take [`DEADLINE`].
const TIMEOUT: Duration = Duration::from_millis(300);
const DEADLINE: Duration = Duration::from_secs(2);

/// Serves until its input ends.
pub(crate) async fn serve() -> Result<(), Mistake> {
    let mut lines = BufReader::new(stdin()).lines();
    let setup = lines.next_line().await?.ok_or("no setup")?;
    let client = client(&serde_json::from_str(&setup)?)?;
    let (answers, mut written) = mpsc::unbounded_channel::<String>();
    let writer = tokio::spawn(async move {
        let mut out = stdout();
        while let Some(line) = written.recv().await {
            out.write_all(line.as_bytes()).await?;
            out.write_all(b"\n").await?;
            out.flush().await?;
        }
        Ok::<(), std::io::Error>(())
    });
    answers.send(READY.to_owned())?;
    while let Some(line) = lines.next_line().await? {
        let Asked { id, what } = serde_json::from_str(&line)?;
        let (client, answers) = (client.clone(), answers.clone());
        tokio::spawn(async move {
            let begun = Instant::now();
            let answer =
                answer(&client, what).await.unwrap_or_else(|mistake| misunderstood(&*mistake));
            let answered = Answered { id, took: begun.elapsed(), answer };
            // Fails only if the receiver is gone.
            let _ = serde_json::to_string(&answered).map(|line| answers.send(line));
        });
    }
    drop(answers);
    Ok(writer.await??)
}

fn client(setup: &Setup) -> Result<OtpClient, Mistake> {
    let mut policy = Policy::default();
    policy.deadline = DEADLINE;
    policy.resend_delay = Duration::ZERO;
    // Users type the same code four times at once, and a vendor's code cannot be checked without
    // counting.
    policy.max_guesses = 10;
    // Every user is new, and there are very many.
    policy.limits = MessageLimits::none();
    let mut resilience = Resilience::default();
    resilience.retries = 1;
    resilience.retry_pause = Duration::from_millis(20);
    resilience.requests = Some(Vec::new());
    resilience.breaker.window = Duration::from_secs(2);
    resilience.breaker.pause = Duration::from_millis(200);
    resilience.breaker.account_pause = Duration::from_millis(200);
    resilience.breaker.longest_pause = Duration::from_millis(300);
    let mut options = Options::default();
    options.connect_timeout = Duration::from_millis(500);
    options.answer_timeout = Duration::from_secs(1);
    let store = Arc::new(RedisStore::connect([&setup.redis], options)?);
    let keys = ServerKeys::new(&[("shared".to_owned(), Secret::new(&*setup.server_key))])?;
    let mut builder = OtpClient::builder().policy(policy).store(store, keys);
    for place in &setup.vendors {
        let provider = provider(place, &setup.name, TIMEOUT)?;
        builder = builder.provider_with(provider, resilience.clone(), None);
    }
    Ok(builder.build()?)
}

async fn answer(client: &OtpClient, what: Ask) -> Result<Answer, Mistake> {
    Ok(match what {
        Ask::Send { to, key } => {
            let to: otpmux::Recipient = to.parse()?;
            let new = NewVerification::to(to).with_idempotency_key(key);
            client.send(new).await.map_or_else(|error| failed(&error), |sent| sent_by(&sent))
        }
        Ask::Resend { verification } => {
            let resent = client.resend(verification.parse()?, Resend::new()).await;
            resent.map_or_else(|error| failed(&error), |sent| sent_by(&sent))
        }
        Ask::Verify { verification, code } => {
            let verdict = client.verify(verification.parse()?, &code.parse()?).await;
            verdict.map_or_else(
                |error| failed(&error),
                |verdict| Answer::Verdict(verdict.as_str().to_owned()),
            )
        }
    })
}

fn sent_by(sent: &Verification) -> Answer {
    let newest = sent.send_attempts.last().filter(|_| sent.confirmed);
    Answer::Sent(Sent {
        verification: sent.id.to_string(),
        confirmed_by: newest.map(|attempt| attempt.provider.to_string()),
        history: sent.history().map(|step| step.to_string()).collect(),
    })
}

fn failed(error: &Error) -> Answer {
    Answer::Failed(Failed {
        kind: error.kind().as_str().to_owned(),
        certainty: error.certainty().as_str().to_owned(),
        blame: error.blame().as_str().to_owned(),
        words: format!("{error} [{}]", error.detail()),
    })
}

fn misunderstood(mistake: &(dyn std::error::Error + Send + Sync)) -> Answer {
    let [kind, certainty, blame] = ["mistake", "not_sent", "caller"].map(str::to_owned);
    Answer::Failed(Failed { kind, certainty, blame, words: mistake.to_string() })
}
