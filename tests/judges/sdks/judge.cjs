// The official Node libraries of Twilio and Vonage use the emulated vendors.

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const readline = require("node:readline");
const { Auth } = require("@vonage/auth");
const { Accounts } = require("@vonage/accounts");
const { Verify2 } = require("@vonage/verify2");
const twilio = require("twilio");

const TO = "+15017122661";

async function admin(ready, path) {
  const answer = await fetch(`http://${ready.listen}/_emulator${path}`);
  return answer.json();
}

async function newestCode(ready, vendor) {
  return (await admin(ready, `/messages?vendor=${vendor}`)).at(-1).code;
}

// Twilio's client, with the hosts replaced by the emulated ones.
class ToEmulator extends twilio.RequestClient {
  constructor(hosts) {
    super();
    this.hosts = hosts;
  }

  request(options) {
    const url = new URL(options.uri);
    return super.request({ ...options, uri: this.hosts[url.hostname] + url.pathname + url.search });
  }
}

async function useTwilio(ready) {
  const { credentials } = ready.vendors.twilioverify;
  const hosts = {
    "verify.twilio.com": ready.vendors.twilioverify.base_url,
    "api.twilio.com": ready.vendors.twilio.base_url,
  };
  const httpClient = new ToEmulator(hosts);
  const client = twilio(credentials.account_sid, credentials.auth_token, { httpClient });
  const service = client.verify.v2.services(credentials.service_sid);
  const started = await service.verifications.create({ to: TO, channel: "sms" });
  assert.equal(started.status, "pending");
  assert.ok(started.dateCreated instanceof Date && !Number.isNaN(started.dateCreated.getTime()));
  const code = await newestCode(ready, "twilioverify");
  const wrong = await service.verificationChecks.create({ verificationSid: started.sid, code: "0000000" });
  assert.equal(wrong.status, "pending");
  const right = await service.verificationChecks.create({ verificationSid: started.sid, code });
  assert.equal(right.status, "approved");
  await assert.rejects(service.verifications(started.sid).fetch(), { status: 404, code: 20404 });
  await assert.rejects(service.verifications.create({ to: "12", channel: "sms" }), { status: 400, code: 60200 });
  const message = await client.messages.create({ to: TO, from: "+15557122661", body: "Your code is 004217." });
  assert.equal(message.status, "queued");
  assert.ok(!Number.isNaN(message.dateCreated.getTime()));
  assert.equal(await newestCode(ready, "twilio"), "004217");
  console.log("twilio-node: agrees");
}

async function useVonage(ready) {
  const { base_url: host, credentials } = ready.vendors.vonageverify;
  const { api_key: apiKey, api_secret: apiSecret } = credentials;
  const { application_id: applicationId, private_key: privateKey } = credentials;
  const auth = new Auth({ apiKey, apiSecret, applicationId, privateKey });
  const options = { apiHost: host, restHost: host };
  const verify = new Verify2(auth, options);
  const workflow = [{ channel: "sms", to: TO.slice(1) }, { channel: "voice", to: TO.slice(1) }];
  const { requestId } = await verify.newRequest({ brand: "Acme", workflow, codeLength: 6 });
  assert.equal(await verify.nextWorkflow(requestId), true);
  assert.equal(await verify.nextWorkflow(requestId), false);
  const code = await newestCode(ready, "vonageverify");
  await assert.rejects(verify.checkCode(requestId, "0000000000"));
  assert.equal(await verify.checkCode(requestId, code), "completed");
  const second = await verify.newRequest({ brand: "Acme", workflow });
  assert.equal(await verify.cancel(second.requestId), true);
  assert.equal(await verify.cancel(second.requestId), false);
  const balance = await new Accounts(auth, options).getBalance();
  assert.equal(balance.value, 10.28);
  console.log("@vonage/verify2: agrees");
}

async function main() {
  const built = process.env.OTPMUX_JUDGED;
  const cargo = ["run", "--quiet", "-p", "otpmux-tests", "--bin", "judged"];
  const judged = spawn(built ?? "cargo", built ? [] : cargo, { stdio: ["pipe", "pipe", "inherit"] });
  try {
    const lines = readline.createInterface({ input: judged.stdout })[Symbol.asyncIterator]();
    const ready = JSON.parse((await lines.next()).value);
    await useTwilio(ready);
    await useVonage(ready);
  } finally {
    judged.stdin.end();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
