// The form that sends through a gateway and verifies.

import { gatewayNow } from "/handset-clock.js";

const CHANNELS = { sms: "SMS", voice: "voice call", whatsapp: "WhatsApp", email: "e-mail" };

const VERDICTS = {
  approved: "Approved.",
  wrong_code: "Wrong code.",
  expired: "The code has expired.",
  already_used: "This code was used already.",
  too_many_guesses: "Too many wrong codes.",
  not_found: "There is no such verification any more.",
};

/** The state of a send attempt: what to call it, and how good that is. */
const LEGS = {
  accepted: ["accepted", "good"],
  refused: ["rejected", "bad"],
  not_sent: ["not reached", "bad"],
  unknown: ["no certain answer", "doubt"],
  intended: ["under way", "doubt"],
};

/** How a time is written: a page may have been open since yesterday. */
export const TIME = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };

const by = (id) => document.getElementById(id);
let current = null;
let countdown;
let trailsAsked = 0;
let nextLook;
let tellPage = () => {};
/** The newest verification that this page has made for each recipient. */
const newest = new Map();
/** That of the form. */
let mine = null;

/** Has the page told whenever the form has learnt the state of a verification. */
export function onForm(tell) {
  tellPage = tell;
}

/** One recipient in one form: what is typed and what vendors say need not look alike. */
function keyOf(to) {
  return to.includes("@") ? to.trim().toLowerCase() : `+${to.replace(/\D/g, "")}`;
}

/** The verification that a message belongs to that has just arrived, as far as this page knows. */
export function verificationOf(to) {
  const one = newest.get(keyOf(to)) ?? null;
  if (one) one.isOut = true;
  return one;
}

/** How the code of a message of this verification has ended: "used", "superseded", "expired", ... */
export function endOf(one, code) {
  if (one.end === "used") return one.code === code ? "used" : "ended";
  if (one.end) return one.end;
  const latest = newest.get(one.key);
  // A newer one that comes to nothing leaves this one as it was.
  if (latest !== one && latest?.isOut) return "superseded";
  return gatewayNow() >= one.until ? "expired" : null;
}

/** A message has arrived that the form may not have asked for: a step of escalation. */
export function lookAgain(one) {
  if (current && one === mine) showTrail();
}

export function connectForm(isConnected) {
  by("send").hidden = !isConnected;
  by("no-relay").hidden = isConnected;
  if (!isConnected) by("verification").hidden = true;
}

/** Puts a code into the field, if there is a verification to use it for. */
export function useCode(code) {
  if (by("verification").hidden) return false;
  by("code").value = code;
  by("code").focus();
  return true;
}

function say(text, state = "") {
  by("outcome").dataset.state = state;
  by("outcome").textContent = text;
}

/** The gateway's answer; a failure is said, and gives null. */
async function ask(path, body) {
  const headers = { "content-type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  try {
    const answer = await fetch(`/_emulator/relay/${path}`, request);
    const json = await answer.json().catch(() => ({}));
    if (answer.ok) return json;
    const wait = json.retry_after ? `Try again in ${json.retry_after} s.` : null;
    const parts = [json.title ?? json.error ?? `The gateway answered ${answer.status}`, json.detail, wait];
    say(parts.filter(Boolean).map((part) => part.replace(/[.]?$/, ".")).join(" "), "bad");
  } catch {
    say("The emulator does not answer.", "bad");
  }
  return null;
}

/** A busy button keeps the focus, so it is not disabled. */
async function whileBusy(button, text, work) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const idle = button.textContent;
  button.setAttribute("aria-disabled", "true");
  button.textContent = text;
  try {
    await work();
  } finally {
    button.removeAttribute("aria-disabled");
    button.textContent = idle;
  }
}

export function channelName(channel) {
  return CHANNELS[channel] ?? channel;
}

/** What the gateway says of the form's own one. */
function learn({ status, expires_at: until }) {
  mine.until = Date.parse(until);
  mine.isOut = true;
  if (!mine.end && !["pending", "approved"].includes(status)) mine.end = status;
  tellPage();
}

function showVerification(verification) {
  current = verification;
  learn(verification);
  by("verification").hidden = false;
  const { to, channel, status, guesses_left: guesses, next_step_at: next } = verification;
  const time = (at) => new Date(at).toLocaleString([], TIME);
  const left = guesses === 1 ? "1 guess left" : `${guesses} guesses left`;
  const follows = next ? `, sent again at ${time(next)} if nothing is typed` : "";
  const standing = status === "pending" ? `good until ${time(verification.expires_at)}, ${left}${follows}` : status;
  by("sent").textContent = `To ${to} by ${channelName(channel)}: ${standing}.`;
  waitForResend();
}

function waitForResend() {
  clearTimeout(countdown);
  const button = by("resend");
  const seconds = Math.ceil((Date.parse(current.resend_after) - gatewayNow()) / 1000);
  if (seconds > 0) {
    button.setAttribute("aria-disabled", "true");
    button.textContent = `Resend in ${seconds} s`;
    countdown = setTimeout(waitForResend, 1000);
  } else {
    button.removeAttribute("aria-disabled");
    button.textContent = "Resend";
  }
}

/** Its state, the providers that were called, and those that were skipped, in the order in which that happened. */
async function showTrail() {
  const asked = ++trailsAsked;
  clearTimeout(nextLook);
  const path = `/_emulator/relay/verifications/${current.id}`;
  const answer = await fetch(path).catch(() => null);
  const status = answer?.ok ? await answer.json() : null;
  // Vendors are asked for this, and may be slow: only the newest answer counts.
  if (!status || asked !== trailsAsked) return;
  showVerification(status);
  const { send_attempts = [], skipped = [] } = status;
  const lines = [];
  send_attempts.forEach((attempt, place) => {
    lines.push(...skipped.filter((skip) => skip.before === place).map(skipLine), attemptLine(attempt));
  });
  lines.push(...skipped.filter((skip) => skip.before >= send_attempts.length).map(skipLine));
  by("history").replaceChildren(...lines);
  const isUnderWay = send_attempts.some((attempt) => attempt.state === "intended");
  if (isUnderWay && status.status === "pending") nextLook = setTimeout(showTrail, 500);
}

function line(state, provider, text) {
  const item = document.createElement("li");
  const name = document.createElement("b");
  const words = document.createElement("span");
  item.dataset.state = state;
  name.textContent = provider;
  words.textContent = text;
  item.append(name, words);
  return item;
}

function attemptLine(attempt) {
  const [words, state] = LEGS[attempt.state] ?? [attempt.state, "doubt"];
  const failure = attempt.failure ? ` (${attempt.failure.replaceAll("_", " ")})` : "";
  const delivery = attempt.delivery && attempt.delivery !== "unknown" ? `, ${attempt.delivery}` : "";
  const reason = attempt.reason === "escalation" ? ", escalation" : "";
  return line(state, attempt.provider, `${words}${failure}, ${channelName(attempt.channel)}${reason}${delivery}`);
}

function skipLine(skip) {
  return line("skipped", skip.provider, `passed over: ${skip.message}`);
}

by("send").addEventListener("submit", (event) => {
  event.preventDefault();
  whileBusy(by("send-button"), "Sending…", async () => {
    say("");
    const body = { to: by("to").value.trim() };
    if (by("channel").value) body.channel = by("channel").value;
    const key = keyOf(body.to);
    const [before, begun] = [newest.get(key), { key, until: Infinity, end: null, isOut: false }];
    newest.set(key, begun);
    const sent = await ask("verifications", body);
    if (!sent) {
      if (!begun.isOut && before) newest.set(key, before);
      return;
    }
    mine = begun;
    by("code").value = "";
    by("history").replaceChildren();
    showVerification(sent);
    say(sent.confirmed ? "Sent." : "No vendor confirmed it. It may still arrive.");
    showTrail();
  });
});

by("verify").addEventListener("submit", (event) => {
  event.preventDefault();
  whileBusy(by("verify-button"), "Verifying…", async () => {
    const code = by("code").value.trim();
    const answer = await ask(`verifications/${current.id}/verify`, { code });
    if (!answer) return;
    const words = [VERDICTS[answer.verdict] ?? answer.verdict];
    const isApproved = answer.verdict === "approved";
    if (isApproved) [mine.end, mine.code] = ["used", code];
    if (answer.guesses_left !== undefined && !isApproved) {
      words.push(answer.guesses_left === 1 ? "1 guess left." : `${answer.guesses_left} guesses left.`);
    }
    if (answer.retry_after) words.push(`Try again in ${answer.retry_after} s.`);
    say(words.join(" "), isApproved ? "good" : "bad");
    showTrail();
  });
});

by("resend").addEventListener("click", async () => {
  if (by("resend").getAttribute("aria-disabled") === "true") return;
  await whileBusy(by("resend"), "Resending…", async () => {
    const sent = await ask(`verifications/${current.id}/resend`, {});
    if (!sent) return;
    showVerification(sent);
    say(sent.confirmed ? "Sent again." : "No vendor confirmed it. It may still arrive.");
    showTrail();
  });
  waitForResend();
});
