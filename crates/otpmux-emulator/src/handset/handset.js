// Phones and mailboxes, fed by the emulator's event stream, and the vendors' switches.
// Text from outside gets into the page by textContent only.

import { now, setClock } from "/handset-clock.js";
import { TIME, channelName, connectForm, endOf, lookAgain, onForm, useCode, verificationOf } from "/handset-form.js";

/** As many as the emulator sends at once. */
const MOST_MESSAGES = 200;
/** As many as the style sheet has. */
const TONES = 6;
/** No code is good for longer, in milliseconds. */
const LONGEST = 10 * 60 * 1000;

const by = (id) => document.getElementById(id);
const devices = new Map();
const names = new Map();
const shown = [];
let replaying = 0;

function clone(id) {
  return by(id).content.firstElementChild.cloneNode(true);
}

/** A vendor's colour, by its place in the emulator's list. */
function toneOf(vendor) {
  return Math.max(0, [...names.keys()].indexOf(vendor)) % TONES;
}

function announce(text) {
  by("news").textContent = text;
}

// Messages

function deviceOf(to) {
  const known = devices.get(to);
  if (known) return known;
  const node = clone("device-template");
  const isMailbox = to.includes("@");
  node.classList.toggle("mailbox", isMailbox);
  node.querySelector("h3").textContent = to;
  const device = { to, node, list: node.querySelector(".list"), count: node.querySelector(".count") };
  device.list.setAttribute("aria-label", `Messages to ${to}, newest first`);
  devices.set(to, device);
  return device;
}

function showMessage(message, id, isFresh) {
  // Some vendors take numbers without the plus.
  const to = /^\d+$/.test(message.to) ? `+${message.to}` : message.to;
  const vendor = names.get(message.vendor) ?? message.vendor;
  const channel = channelName(message.channel);
  const node = clone("message-template");
  const find = (selector) => node.querySelector(selector);
  find(".vendor").textContent = vendor;
  find(".vendor").dataset.tone = toneOf(message.vendor);
  find(".channel").textContent = channel;
  const at = new Date(message.at);
  find("time").dateTime = message.at;
  find("time").textContent = at.toLocaleString([], TIME);
  find("time").title = at.toLocaleString([], { dateStyle: "full", timeStyle: "long" });
  find(".subject").textContent = message.subject ?? "";
  find(".subject").hidden = !message.subject;
  find(".text").textContent = message.text;
  node.dataset.channel = message.channel;
  find(".says").hidden = message.channel !== "voice";
  if (message.html) showMail(find(".mail"), message, id, find(".text"));
  const code = find(".code");
  code.textContent = message.code;
  name(code, message.code, "");
  code.addEventListener("click", () => useCode(message.code) || copy(message.code, code, find(".copy")));
  find(".copy").setAttribute("aria-label", `Copy code ${spelt(message.code)}`);
  find(".copy").addEventListener("click", () => copy(message.code, code, find(".copy")));
  node.classList.toggle("fresh", isFresh);

  const device = deviceOf(to);
  device.list.prepend(node);
  const verification = isFresh ? verificationOf(to) : null;
  shown.push({ node, device, code: message.code, at: at.getTime(), verification });
  if (shown.length > MOST_MESSAGES) drop(shown.shift());
  recount(device);
  toFront(device);
  showEnds();
  by("empty").hidden = true;
  by("clear").hidden = false;
  if (!isFresh) return;
  announce(`${vendor}, ${channel} to ${to}: code ${spelt(message.code)}`);
  pointTo(node, `${message.code} from ${vendor}`);
  if (verification) lookAgain(verification);
}

/** A mail as mail programs show it. Its HTML is a separate document, without scripts and rights. */
function showMail(mail, message, id, text) {
  const frame = mail.querySelector("iframe");
  frame.title = `E-mail: ${message.subject ?? ""}`;
  frame.src = `/_emulator/mails/${encodeURIComponent(id)}`;
  mail.querySelector(".plain").textContent = message.text;
  mail.hidden = false;
  text.hidden = true;
}

function name(button, code, end) {
  button.title = end ? `This code is ${end}` : "Use this code";
  button.setAttribute("aria-label", `${end ? `Code, ${end}:` : "Use code"} ${spelt(code)}`);
}

/** Dead codes look dead, as far as it can be known here: by the form's answers, and by their age. */
function showEnds() {
  for (const message of shown) {
    const isOld = now() - message.at >= LONGEST;
    const { node, code, verification } = message;
    const end = (verification && endOf(verification, code)) ?? (isOld ? "expired" : "");
    if ((node.dataset.end ?? "") === end) continue;
    node.classList.toggle("dead", end !== "");
    node.dataset.end = end;
    node.querySelector(".end").textContent = end;
    node.querySelector(".end").hidden = end === "";
    name(node.querySelector(".code"), code, end);
  }
}

onForm(showEnds);
setInterval(showEnds, 1000);

/** Leads to the newest message while it lies below what is seen: on a phone it mostly does. */
function pointTo(node, text) {
  const arrival = by("arrival");
  arrival.textContent = `${text} ↓`;
  arrival.onclick = () => {
    node.scrollIntoView({ block: "center" });
    node.querySelector(".code").focus({ preventScroll: true });
  };
  newest.disconnect();
  newest.observe(node);
}

const newest = new IntersectionObserver(([entry]) => {
  const isBelow = !entry.isIntersecting && entry.boundingClientRect.top > 0;
  by("arrival").hidden = !isBelow;
});

/** Digit by digit, or a screen reader says a number. */
function spelt(code) {
  return [...code].join(" ");
}

function recount(device) {
  const count = device.list.childElementCount;
  device.count.textContent = count === 1 ? "1 message" : `${count} messages`;
}

function drop({ node, device }) {
  node.remove();
  recount(device);
  if (device.list.childElementCount > 0) return;
  device.node.remove();
  devices.delete(device.to);
}

/** The device with the newest message comes first; what has the focus keeps it. */
function toFront({ node }) {
  if (by("devices").firstElementChild === node) return;
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  by("devices").prepend(node);
  focused?.focus({ preventScroll: true });
}

function forgetAll() {
  devices.clear();
  shown.length = 0;
  by("devices").replaceChildren();
  by("empty").hidden = false;
  by("clear").hidden = true;
  newest.disconnect();
  by("arrival").hidden = true;
}

async function copy(text, source, button) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    announce("Copied");
  } catch {
    // No permission, or no secure origin: ready for the reader's own keys.
    getSelection().selectAllChildren(source);
    button.textContent = "Selected";
    announce("The code is selected");
  }
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

by("clear").addEventListener("click", () => by("clear-dialog").showModal());
by("clear-no").addEventListener("click", () => by("clear-dialog").close());
by("clear-yes").addEventListener("click", async () => {
  by("clear-dialog").close();
  const answer = await fetch("/_emulator/messages", { method: "DELETE" }).catch(() => null);
  if (!answer?.ok) return announce("The messages could not be cleared");
  announce("All messages are cleared");
  by("messages").focus();
});

// Vendors

function showVendors({ vendors, presets }) {
  for (const vendor of vendors) {
    names.set(vendor.vendor, vendor.name);
    const node = by(`switch-${vendor.vendor}`)?.parentElement ?? newSwitch(vendor, presets);
    const select = node.querySelector("select");
    select.querySelector("[value=custom]")?.remove();
    const preset = presets.find((preset) => preset.preset === vendor.preset);
    if (vendor.fault && !preset) {
      const option = new Option(`Other: ${vendor.fault.kind}`, "custom");
      option.disabled = true;
      select.append(option);
    }
    select.value = vendor.fault ? (vendor.preset ?? "custom") : "";
    node.toggleAttribute("data-broken", vendor.fault !== null);
    node.querySelector(".meaning").textContent = preset?.meaning ?? "";
  }
}

function newSwitch({ vendor, name }, presets) {
  const node = clone("vendor-template");
  const select = node.querySelector("select");
  node.querySelector(".vendor").dataset.tone = toneOf(vendor);
  node.querySelector(".vendor").textContent = name;
  select.id = `switch-${vendor}`;
  node.querySelector("label").htmlFor = select.id;
  node.querySelector(".meaning").id = `meaning-${vendor}`;
  select.setAttribute("aria-describedby", `meaning-${vendor}`);
  select.append(new Option("Works", ""), ...presets.map(({ preset, label }) => new Option(label, preset)));
  select.addEventListener("change", async () => {
    const answer = await setFault(vendor, select.value);
    if (answer?.ok) return announce(`${name}: ${select.selectedOptions[0]?.text}`);
    node.querySelector(".meaning").textContent = "Not changed: the emulator does not answer.";
  });
  by("vendors").append(node);
  return node;
}

function setFault(vendor, preset) {
  const request = preset
    ? { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify({ preset }) }
    : { method: "DELETE" };
  return fetch(`/_emulator/faults/${vendor}`, request).catch(() => null);
}

// The clock

function showClock(setting) {
  setClock(setting);
  by("clock").hidden = !setting.shared;
  const ahead = Math.round(setting.advanced / 1000);
  by("clock-says").textContent = ahead ? `${ahead} s ahead of this machine.` : "";
  showEnds();
}

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", async () => {
    const body = JSON.stringify({ advance_seconds: Number(button.dataset.advance) });
    const request = { method: "POST", headers: { "content-type": "application/json" }, body };
    const answer = await fetch("/_emulator/clock", request).catch(() => null);
    if (!answer?.ok) by("clock-says").textContent = "Not advanced: the emulator does not answer.";
  });
}

// The stream

function showLink(state, text) {
  if (by("link").dataset.state === state) return;
  by("link").dataset.state = state;
  by("link").textContent = text;
}

const stream = new EventSource("/_emulator/events");
stream.addEventListener("open", () => showLink("live", "Live"));
stream.addEventListener("error", () => {
  showLink("away", "Reconnecting");
  // A browser gives up for good on an answer that is no stream.
  if (stream.readyState === EventSource.CLOSED) showLink("closed", "Gone; reload the page");
});
stream.addEventListener("state", (event) => {
  const state = JSON.parse(event.data);
  showVendors(state);
  connectForm(state.relay);
  showClock(state.clock);
});
stream.addEventListener("reset", (event) => {
  forgetAll();
  replaying = JSON.parse(event.data).replayed;
});
stream.addEventListener("message", (event) => {
  showMessage(JSON.parse(event.data), event.lastEventId, replaying === 0);
  if (replaying > 0) replaying -= 1;
});
