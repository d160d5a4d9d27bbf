// The client against a real gateway.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { Otpmux, Problem, Unreachable } from "../dist/index.js";
import { losing, start } from "./gateway.mjs";

let gateway, client, next = 20_000;
const number = () => `+9198765${next++}`;
const quick = { retry: { pause: 1 } };
const wrong = (code) => code.slice(0, -1) + (code.endsWith("0") ? "1" : "0");

before(async () => {
  gateway = await start();
  client = new Otpmux(gateway.url, gateway.apiKey);
});
after(() => gateway.stop());

test("the first program of the README", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const to = number();
  const program = readme.split("```js\n")[1].split("```")[0].replace("+919876543210", to);
  const env = { ...process.env, OTPMUX_URL: gateway.url, OTPMUX_API_KEY: gateway.apiKey };
  const cwd = new URL("..", import.meta.url);
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { cwd, env });
  let said = "";
  child.stdout.on("data", (text) => (said += text));
  await once(child.stdout, "data");
  child.stdin.end(`${await gateway.code(to)}\n`);
  const [status] = await once(child, "exit");
  assert.deepEqual([status, said], [0, "Code: welcome\n"]);
});

test("an address that is none", () => {
  for (const url of [undefined, "", "127.0.0.1:8080"]) {
    assert.throws(() => new Otpmux(url, "key"), /must begin with https:/);
  }
});

test("a code is sent and verified once", async () => {
  const to = number();
  const sent = await client.send(to, { purpose: "login", clientIp: "192.0.2.7", metadata: { order: "7" } });
  assert.equal(sent.status, "pending");
  assert.ok(sent.confirmed && sent.expiresAt > new Date() && !JSON.stringify(sent).includes(to));
  const code = await gateway.code(to);
  const tried = await client.verify(sent.id, wrong(code));
  assert.deepEqual([tried.verdict, tried.approved], ["wrong_code", false]);
  assert.equal(tried.guessesLeft, sent.guessesLeft - 1);
  assert.ok((await client.verify(sent.id, code)).approved);
  assert.equal((await client.verify(sent.id, code)).verdict, "already_used");
  const shown = await client.get(sent.id);
  assert.deepEqual([shown.status, shown.metadata], ["approved", { order: "7" }]);
});

test("a code is verified by recipient or by an id of the caller", async () => {
  const [to, other] = [number(), number()];
  await client.send(to, { purpose: "login" });
  let code = await gateway.code(to);
  const login = { purpose: "login" };
  assert.equal((await client.verifyRecipient(to, wrong(code), login)).verdict, "wrong_code");
  assert.equal((await client.verifyRecipient(other, code, login)).verdict, "not_found");
  assert.ok((await client.verifyRecipient(to, code, login)).approved);
  assert.ok(!(await client.verifyRecipient(to, code, login)).approved);
  await client.send(other, { ...login, externalId: `order-${other}` });
  code = await gateway.code(other);
  assert.equal((await client.verifyExternal("order-none", code, login)).verdict, "not_found");
  assert.ok((await client.verifyExternal(`order-${other}`, code, login)).approved);
});

test("a code of the caller is delivered and never verified", async () => {
  const to = number();
  const made = await client.deliver(to, "482913", { purpose: "login", ttl: 600 });
  assert.deepEqual([made.status, made.channel, made.confirmed], ["pending", "sms", true]);
  assert.equal(await gateway.code(to), "482913");
  assert.ok(!(await client.verifyRecipient(to, "482913", { purpose: "login" })).approved);
  assert.deepEqual((await client.delivery(made.id)).send_attempts.map((it) => it.state), ["accepted"]);
  await client.endDelivery(made.id, "approved");
  assert.equal((await client.delivery(made.id)).status, "ended");
  await assert.rejects(client.redeliver(made.id), (error) => error instanceof Problem && error.type === "not_found");
});

test("the example of the README lets the user in", async () => {
  const text = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [, example] = text.split("```ts\n");
  const body = example
    .split("```")[0]
    .replace(/^import .*$/m, "")
    .replace("http://127.0.0.1:8080", gateway.url)
    .replace("\nif (", "\nconst typed = await arrived();\nif (");
  const AsyncFunction = (async () => {}).constructor;
  const session = {};
  const run = new AsyncFunction("Otpmux", "apiKey", "clientIp", "session", "arrived", body);
  await run(Otpmux, gateway.apiKey, "192.0.2.7", session, () => gateway.code("+919876543210"));
  assert.equal((await client.get(session.verification)).status, "approved");
});

test("what is cancelled approves nothing", async () => {
  const to = number();
  const sent = await client.send(to, { purpose: "login" });
  await client.cancel(sent.id);
  assert.ok(!(await client.verify(sent.id, await gateway.code(to))).approved);
});

test("capabilities name the channels", async () => {
  assert.ok((await client.capabilities()).channels.includes("sms"));
});

test("a problem says what is wrong and what is known", async () => {
  await assert.rejects(client.send("+91987", { purpose: "login" }), (problem) => {
    assert.ok(problem instanceof Problem && [400, 422].includes(problem.status));
    assert.deepEqual([problem.type, problem.certainty], ["invalid_request", "not_sent"]);
    return true;
  });
});

test("a wrong key is told", async () => {
  const stranger = new Otpmux(gateway.url, "an unknown key");
  await assert.rejects(stranger.capabilities(), { type: "unauthenticated", status: 401 });
});

test("an answer that is lost sends nothing twice", async () => {
  const to = number();
  const proxy = await losing(gateway.url, 2);
  const sent = await new Otpmux(proxy.url, gateway.apiKey, quick).send(to, { purpose: "login" });
  proxy.stop();
  assert.deepEqual([sent.status, proxy.requests], ["pending", 3]);
  assert.equal((await gateway.messages(to)).length, 1);
});

test("a verdict that is lost is told again and counted once", async () => {
  const to = number();
  const sent = await client.send(to, { purpose: "login" });
  const code = await gateway.code(to);
  for (const [typed, verdict, left] of [
    [wrong(code), "wrong_code", sent.guessesLeft - 1],
    [code, "approved", undefined],
  ]) {
    const proxy = await losing(gateway.url, 1);
    const tried = await new Otpmux(proxy.url, gateway.apiKey, quick).verify(sent.id, typed);
    proxy.stop();
    assert.deepEqual([tried.verdict, tried.guessesLeft], [verdict, left]);
  }
});

test("tries end", async () => {
  const proxy = await losing(gateway.url, 9);
  const patient = new Otpmux(proxy.url, gateway.apiKey, quick);
  await assert.rejects(patient.send(number(), { purpose: "login" }), (error) => {
    return error instanceof Unreachable && error.certainty === "unknown";
  });
  proxy.stop();
  assert.equal(proxy.requests, 3);
});

test("what a vendor refused is not repeated", async () => {
  const answers = (body) => {
    let asked = 0;
    const fetch = async () => {
      asked += 1;
      const problem = { type: "https://otpmux.github.io/otpmux/problems/unavailable", title: "x", ...body };
      const headers = { "content-type": "application/problem+json" };
      return new Response(JSON.stringify(problem), { status: body.status, headers });
    };
    return { client: new Otpmux("http://gateway", "key", { fetch, ...quick }), asked: () => asked };
  };
  for (const [body, asked] of [
    [{ status: 503, certainty: "rejected" }, 1],
    [{ status: 503, certainty: "not_sent", retry_after: 60 }, 1],
    [{ status: 429, certainty: "not_sent" }, 1],
    [{ status: 503, certainty: "unknown" }, 3],
  ]) {
    const one = answers(body);
    await assert.rejects(one.client.send("+919876543210"), Problem);
    assert.equal(one.asked(), asked, JSON.stringify(body));
  }
});

test("what a key may not decide about the text", async () => {
  const text = { message: "{code}!", brand: "Other", variables: { name: "Ann" } };
  await assert.rejects(client.send(number(), text), (error) => {
    assert.equal(error.type, "invalid_request");
    assert.deepEqual(error.errors.map(({ field }) => field), ["variables", "brand", "message"]);
    return true;
  });
});
