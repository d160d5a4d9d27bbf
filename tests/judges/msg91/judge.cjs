// Sends, resends and verifies at the emulated MSG91 with the vendor's own package (npm msg91).
//
// The package knows one host only, so requests for it are turned to the emulator; nothing else is
// changed.
"use strict";

const assert = require("node:assert");
const { spawn } = require("node:child_process");
const http = require("node:http");
const https = require("node:https");

const built = process.env.OTPMUX_JUDGED;
const cargo = ["run", "--quiet", "-p", "otpmux-tests", "--bin", "judged"];
const judged = spawn(built ?? "cargo", built ? [] : cargo, { stdio: ["pipe", "pipe", "inherit"] });
let base;
let vendor;
let admin;

https.request = (options, ...rest) => {
  assert.strictEqual(options.hostname ?? options.host, "api.msg91.com");
  const { agent, agents, ...kept } = options;
  return http.request({ ...kept, protocol: "http:", hostname: base.hostname, host: base.host, port: base.port }, ...rest);
};

const msg91 = require("msg91").default;
const TO = "919999999999";

async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return error.message;
  }
  throw new Error("this call must be refused");
}

async function code() {
  const list = await (await fetch(`${admin}/messages?vendor=msg91`)).json();
  return list.at(-1).code;
}

async function judge() {
  msg91.initialize({ authKey: vendor.credentials.auth_key });
  const otp = msg91.getOTP("60a1b2c3d4e5f6a7b8c9d0e1", { length: 6 });
  await otp.send(TO, { expiry: 5 });
  const first = await code();
  assert.match(first, /^[0-9]{6}$/);
  assert.strictEqual((await otp.retry(TO)).message, "retry send successfully");
  assert.strictEqual(await code(), first);
  assert.strictEqual(await refusal(otp.verify(TO, first === "000000" ? "000001" : "000000")), "OTP not match");
  assert.strictEqual((await otp.verify(TO, first)).message, "OTP verified success");
  assert.strictEqual(await refusal(otp.verify(TO, first)), "Mobile no. already verified");
  assert.strictEqual(await refusal(otp.verify("918888888888", first)), "Mobile no. not found");
  const stranger = msg91.getOTP("60a1b2c3d4e5f6a7b8c9d0e1", { authKey: "another key" });
  assert.strictEqual(await refusal(stranger.send(TO)), "Invalid authkey");
  console.log("msg91: the vendor's package and the emulator agree");
}

judged.stdout.once("data", (line) => {
  const ready = JSON.parse(line);
  vendor = ready.vendors.msg91;
  base = new URL(vendor.base_url);
  admin = `http://${ready.listen}/_emulator`;
  const failed = (error) => {
    console.error(error);
    process.exitCode = 1;
  };
  judge().catch(failed).finally(() => judged.stdin.end());
});
