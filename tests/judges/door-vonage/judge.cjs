// @vonage/verify2, unchanged but for its host, uses the door for Vonage Verify with tokens of an application. The
// gateway has two emulated vendors, the first of which is broken.
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { generateKeyPairSync } = require('node:crypto');
const { once } = require('node:events');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { Auth } = require('@vonage/auth');
const { Verify2 } = require('@vonage/verify2');

const ROOT = path.resolve(__dirname, '../../..');
const APPLICATION = 'aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab';

const CONFIG = ({ first, second, key }) => `
[providers.first]
kind = "startmessaging"
base_url = "${first.base_url}"
api_key = "env:FIRST_KEY"
[providers.second]
kind = "easyotp"
base_url = "${second.base_url}"
api_key = "env:SECOND_KEY"
[policy]
countries = "any"
resend_delay = "0s"
[limits]
recipient = []
[[server.api_keys]]
name = "web"
key = "env:WEB_KEY"
[doors.vonage]
[[doors.vonage.applications]]
id = "${APPLICATION}"
public_keys = ["${key}"]
caller = "web"
`;

const started = [];

/** Starts the program of OTPMUX_PROGRAM, or the one that cargo builds, and returns its first line. */
async function run(args, env = {}) {
  const built = process.env.OTPMUX_PROGRAM;
  const [program, before] = built ? [built, []] : ['cargo', ['run', '--quiet', '-p', 'otpmux-cli', '--']];
  const child = spawn(program, [...before, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  const [line] = await once(createInterface(child.stdout), 'line');
  return JSON.parse(line);
}

async function refused(status, call) {
  const error = await call.then(
    () => assert.fail('the call should have been refused'),
    (error) => error,
  );
  assert.equal(error.response?.status, status, String(error));
}

const other = (code) => (code[0] === '1' ? '2' : '1') + code.slice(1);

async function main(folder) {
  const { listen, vendors } = await run(['--json', 'emulate', '--listen', '127.0.0.1:0', '--no-limits']);
  const admin = `http://${listen}/_emulator`;
  await fetch(`${admin}/faults/startmessaging`, { method: 'PUT', body: JSON.stringify({ kind: 'refuse' }) });
  const [first, second] = [vendors.startmessaging, vendors.easyotp];
  const keys = () =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
  const [own, stranger] = [keys(), keys()];
  const key = path.join(folder, 'application.pub');
  writeFileSync(key, own.publicKey);
  const file = path.join(folder, 'otpmux.toml');
  writeFileSync(file, CONFIG({ first, second, key }));
  const ready = await run(['serve', '--json', '--listen', '127.0.0.1:0', '--config', file], {
    FIRST_KEY: first.credentials.api_key,
    SECOND_KEY: second.credentials.api_key,
    WEB_KEY: 'the-key-of-the-web-application',
  });
  const client = (privateKey) =>
    new Verify2(new Auth({ applicationId: APPLICATION, privateKey }), { apiHost: `${ready.listening}/vonage` });
  const codes = async (to) => {
    const messages = await (await fetch(`${admin}/messages?${new URLSearchParams({ to })}`)).json();
    for (const { vendor } of messages) assert.equal(vendor, 'easyotp');
    return messages.map(({ code }) => code);
  };

  const verify = client(own.privateKey);
  const to = '919876512691';
  const workflow = [
    { channel: 'sms', to },
    { channel: 'voice', to },
  ];
  const { requestId } = await verify.newRequest({ brand: 'Acme', workflow });
  assert.match(requestId, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const [code] = await codes(`+${to}`);
  assert.equal(await verify.nextWorkflow(requestId), true);
  assert.deepEqual(await codes(`+${to}`), [code, code]);
  // Without a further step; the package keeps the reason to itself.
  assert.equal(await verify.nextWorkflow(requestId), false);
  await refused(400, verify.checkCode(requestId, other(code)));
  assert.equal(await verify.checkCode(requestId, code), 'completed');
  await refused(404, verify.checkCode(requestId, code));
  const again = await verify.newRequest({ brand: 'Acme', workflow });
  assert.equal(await verify.cancel(again.requestId), true);
  await refused(404, verify.checkCode(again.requestId, code));
  await refused(401, client(stranger.privateKey).newRequest({ brand: 'Acme', workflow }));
  await refused(422, verify.newRequest({ brand: 'Acme', workflow: [{ channel: 'silent_auth', to }] }));
  console.log('@vonage/verify2: the door for Vonage Verify is as it expects');
}

const patience = setTimeout(() => {
  console.error('it takes too long');
  process.exit(1);
}, 180_000);

(async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'otpmux-door-'));
  try {
    await main(folder);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    for (const child of started.reverse()) {
      if (child.exitCode === null && child.kill()) await once(child, 'exit');
    }
    rmSync(folder, { recursive: true });
    clearTimeout(patience);
  }
})();
