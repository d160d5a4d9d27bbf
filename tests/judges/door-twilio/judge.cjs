// twilio-node, unchanged but for its base URL, uses the door for Twilio Verify, directly and through Prism, which
// refuses what Twilio's own definition does not allow. The gateway has two emulated vendors, the first of which is broken.
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { createInterface } = require('node:readline');
const twilio = require('twilio');

const ROOT = path.resolve(__dirname, '../../..');
const DEFINITION = path.join(__dirname, '../definitions/twilio_verify_v2.prism.json');
const ACCOUNT = 'AC00000000000000000000000000000001';
const SERVICE = 'VA00000000000000000000000000000001';
const KEY = 'the-key-of-the-web-application';

const CONFIG = ({ first, second }) => `
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
max_guesses = 3
[limits]
recipient = []
[[server.api_keys]]
name = "web"
key = "env:WEB_KEY"
[doors.twilio]
purpose = "login"
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

/** Starts Prism in front of an address, and returns its own address. */
async function prism(upstream) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  const cli = path.join(path.dirname(require.resolve('@stoplight/prism-cli/package.json')), 'dist/index.js');
  const args = [cli, 'proxy', '--errors', '-h', '127.0.0.1', '-p', String(port), DEFINITION, upstream];
  const child = spawn(process.execPath, args);
  started.push(child);
  const log = [];
  await new Promise((resolve, reject) => {
    const seen = (data) => {
      log.push(String(data));
      if (log.join('').includes('Prism is listening')) resolve();
    };
    child.stdout.on('data', seen);
    child.stderr.on('data', seen);
    child.on('exit', () => reject(new Error(log.join(''))));
  });
  return { url: `http://127.0.0.1:${port}`, log };
}

class World {
  static async start() {
    const world = new World();
    const { listen, vendors } = await run(['--json', 'emulate', '--listen', '127.0.0.1:0', '--no-limits']);
    world.admin = `http://${listen}/_emulator`;
    const broken = { method: 'PUT', body: JSON.stringify({ kind: 'refuse' }) };
    await fetch(`${world.admin}/faults/startmessaging`, broken);
    const [first, second] = [vendors.startmessaging, vendors.easyotp];
    world.folder = mkdtempSync(path.join(tmpdir(), 'otpmux-door-'));
    const file = path.join(world.folder, 'otpmux.toml');
    writeFileSync(file, CONFIG({ first, second }));
    const ready = await run(['serve', '--json', '--listen', '127.0.0.1:0', '--config', file], {
      FIRST_KEY: first.credentials.api_key,
      SECOND_KEY: second.credentials.api_key,
      WEB_KEY: KEY,
    });
    world.url = `${ready.listening}/twilio`;
    return world;
  }

  /** The codes that arrived, all of them by the second vendor. */
  async codes(to) {
    const response = await fetch(`${this.admin}/messages?${new URLSearchParams({ to })}`);
    const messages = await response.json();
    for (const { vendor } of messages) assert.equal(vendor, 'easyotp');
    return messages.map(({ code }) => code);
  }

  async stop() {
    for (const child of started.reverse()) {
      if (child.exitCode === null && child.kill()) await once(child, 'exit');
    }
    if (this.folder) rmSync(this.folder, { recursive: true });
  }
}

function client(url, password = KEY) {
  const made = twilio(ACCOUNT, password);
  made.verify.baseUrl = url;
  return made.verify.v2.services(SERVICE);
}

async function refused(status, code, call) {
  const error = await call.then(
    () => assert.fail('the call should have been refused'),
    (error) => error,
  );
  assert.deepEqual([error.status, error.code], [status, code], String(error));
  return error;
}

const other = (code) => (code[0] === '1' ? '2' : '1') + code.slice(1);

async function calls(world, url, to) {
  const service = client(url);
  const sent = await service.verifications.create({ to, channel: 'sms', locale: 'pt-BR', deviceIp: '203.0.113.7' });
  assert.deepEqual([sent.status, sent.valid, sent.to, sent.channel], ['pending', false, to, 'sms']);
  assert.ok(sent.dateCreated instanceof Date && sent.sendCodeAttempts.length === 1);
  const [code] = await world.codes(to);
  const again = await service.verifications.create({ to, channel: 'call' });
  assert.deepEqual([again.sid, again.channel], [sent.sid, 'call']);
  assert.deepEqual(await world.codes(to), [code, code]);
  const wrong = await service.verificationChecks.create({ to, code: other(code) });
  assert.deepEqual([wrong.status, wrong.valid], ['pending', false]);
  const checked = await service.verificationChecks.create({ to, code });
  assert.deepEqual([checked.status, checked.valid, checked.sid], ['approved', true, sent.sid]);
  await refused(404, 20404, service.verificationChecks.create({ to, code }));
  await refused(404, 20404, service.verificationChecks.create({ verificationSid: sent.sid, code }));
  assert.equal((await service.verifications(sent.sid).fetch()).status, 'approved');

  const more = await service.verifications.create({ to, channel: 'call' });
  const codes = await world.codes(to);
  for (let guess = 0; guess < 3; guess += 1) {
    await service.verificationChecks.create({ verificationSid: more.sid, code: other(codes.at(-1)) });
  }
  await refused(429, 60202, service.verificationChecks.create({ to, code: codes.at(-1) }));
  assert.equal((await service.verifications(more.sid).fetch()).status, 'max_attempts_reached');
  const last = await service.verifications.create({ to, channel: 'sms' });
  assert.equal((await service.verifications(last.sid).update({ status: 'canceled' })).status, 'canceled');
  await refused(400, 60200, service.verifications.create({ to: '12', channel: 'sms' }));
  const error = await refused(401, 20003, client(url, 'not-the-key-of-anybody').verifications(sent.sid).fetch());
  assert.match(error.moreInfo, /^https:/);
}

async function main(world) {
  await calls(world, world.url, '+919876512671');
  const { url, log } = await prism(world.url);
  try {
    await calls(world, url, '+919876512672');
  } catch (error) {
    console.error(log.join('').split('\n').filter((line) => /violation|error/i.test(line)).slice(0, 40).join('\n'));
    throw error;
  }
  // The judge must be able to refuse: a check of a SID that is none.
  const authorization = `Basic ${btoa(`${ACCOUNT}:${KEY}`)}`;
  const bad = await fetch(`${url}/v2/Services/${SERVICE}/VerificationCheck`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'VerificationSid=none&Code=123456',
  });
  assert.equal(bad.status, 422, 'Prism lets a malformed SID pass');
  console.log('twilio-node and the definition: the door for Twilio Verify is as they expect');
}

const patience = setTimeout(() => {
  console.error('it takes too long');
  process.exit(1);
}, 180_000);

(async () => {
  let world;
  try {
    world = await World.start();
    await main(world);
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    if (world) await world.stop();
    clearTimeout(patience);
  }
})();
