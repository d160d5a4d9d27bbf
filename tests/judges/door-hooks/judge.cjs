// Hooks and snippets from JavaScript, against a gateway with two emulated vendors, the first of which is broken:
// requests that the package "standardwebhooks" and our reading of Authsignal's signature sign (its own package must
// accept them too), the Actions of Auth0, the options of better-auth in its own package, and the functions for Firebase.
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { createHmac, randomUUID } = require('node:crypto');
const { once } = require('node:events');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { pathToFileURL } = require('node:url');
const { Authsignal } = require('@authsignal/node');
const { Webhook } = require('standardwebhooks');

const ROOT = path.resolve(__dirname, '../../..');
const SNIPPETS = path.join(ROOT, 'docs/doors/snippets');
const SUPABASE = 'v1,whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const AUTHSIGNAL = 'the-secret-key-of-authsignal-0123456789';
const AUTH0 = 'the-secret-of-auth0-0123456789';
const KEY = 'the-key-of-the-web-application';

const CONFIG = ({ first, second }) => `
[providers.first]
kind = "easyotp"
base_url = "${first.base_url}"
api_key = "env:FIRST_KEY"
[providers.second]
kind = "startmessaging"
base_url = "${second.base_url}"
api_key = "env:SECOND_KEY"
[policy]
countries = "any"
resend_delay = "0s"
[[server.api_keys]]
name = "web"
key = "env:WEB_KEY"
[[doors.hooks]]
name = "supabase"
kind = "supabase_sms"
secret = "env:SUPABASE"
[[doors.hooks]]
name = "authsignal"
kind = "authsignal"
secret = "env:AUTHSIGNAL"
[[doors.hooks]]
name = "auth0"
kind = "hook"
secret = "env:AUTH0"
`;

/** Starts the program of OTPMUX_PROGRAM, or the one that cargo builds, and returns it with its first line. */
async function run(args, env = {}) {
  const built = process.env.OTPMUX_PROGRAM;
  const [program, before] = built ? [built, []] : ['cargo', ['run', '--quiet', '-p', 'otpmux-cli', '--']];
  const stdio = ['ignore', 'pipe', 'inherit'];
  const child = spawn(program, [...before, ...args], { cwd: ROOT, env: { ...process.env, ...env }, stdio });
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, ready: JSON.parse(line) };
}

async function stop({ child }) {
  child.kill();
  await once(child, 'exit');
}

class World {
  static async start() {
    const world = new World();
    world.emulator = await run(['--json', 'emulate', '--listen', '127.0.0.1:0', '--no-limits']);
    const { listen, vendors } = world.emulator.ready;
    world.admin = `http://${listen}/_emulator`;
    const broken = { method: 'PUT', body: JSON.stringify({ kind: 'refuse' }) };
    await fetch(`${world.admin}/faults/easyotp`, broken);
    const [first, second] = [vendors.easyotp, vendors.startmessaging];
    world.folder = mkdtempSync(path.join(tmpdir(), 'otpmux-hooks-'));
    const file = path.join(world.folder, 'otpmux.toml');
    writeFileSync(file, CONFIG({ first, second }));
    world.gateway = await run(['serve', '--json', '--listen', '127.0.0.1:0', '--config', file], {
      FIRST_KEY: first.credentials.api_key,
      SECOND_KEY: second.credentials.api_key,
      WEB_KEY: KEY,
      SUPABASE,
      AUTHSIGNAL,
      AUTH0,
    });
    world.url = world.gateway.ready.listening;
    return world;
  }

  /** The codes that arrived, all of them by the second vendor. */
  async codes(to) {
    const response = await fetch(`${this.admin}/messages?${new URLSearchParams({ to })}`);
    const messages = await response.json();
    for (const { vendor } of messages) assert.equal(vendor, 'startmessaging');
    return messages.map(({ code }) => code);
  }

  async stop() {
    await stop(this.gateway);
    await stop(this.emulator);
    rmSync(this.folder, { recursive: true });
  }
}

function post(url, body, headers) {
  return fetch(url, { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } });
}

async function standardWebhooks(world) {
  const body = JSON.stringify({ user: { phone: '919876520001' }, sms: { otp: '561166' } });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const [id, at] = [`msg_${randomUUID()}`, new Date()];
    const signature = new Webhook(SUPABASE.replace('v1,', '')).sign(id, at, body);
    const response = await post(`${world.url}/hooks/supabase`, body, {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at / 1000)),
      'webhook-signature': signature,
    });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), {});
  }
  // A payload of an older server has no name; the body is one.
  assert.deepEqual(await world.codes('+919876520001'), ['561166']);
}

async function authsignal(world) {
  const data = { to: '+919876520002', code: '987654', userId: 'u', idempotencyKey: randomUUID(), locale: 'en' };
  const body = JSON.stringify({ version: 1, id: randomUUID(), type: 'sms.created', data });
  const time = Math.floor(Date.now() / 1000);
  const mac = createHmac('sha256', AUTHSIGNAL).update(`${time}.${body}`).digest('base64').replace('=', '');
  const signature = `t=${time},v2=${mac}`;
  const library = new Authsignal({ apiSecretKey: AUTHSIGNAL });
  assert.equal(library.webhook.constructEvent(body, signature).data.code, '987654');
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const response = await post(`${world.url}/hooks/authsignal`, body, { 'X-Signature-V2': signature });
    assert.equal(response.status, 200);
  }
  assert.deepEqual(await world.codes('+919876520002'), ['987654']);
  const forged = await post(`${world.url}/hooks/authsignal`, `${body} `, { 'X-Signature-V2': signature });
  assert.equal(forged.status, 401);
}

async function auth0(world) {
  const load = (name) => {
    const module = { exports: {} };
    new Function('exports', 'module', readFileSync(path.join(SNIPPETS, name), 'utf8'))(module.exports, module);
    return module.exports;
  };
  const secrets = { OTPMUX_URL: `${world.url}/hooks/auth0`, OTPMUX_SECRET: AUTH0 };
  const { onExecuteCustomPhoneProvider } = load('auth0-phone-provider.js');
  const dropped = [];
  const api = { notification: { drop: (reason) => dropped.push(reason) } };
  const notify = (notification) => onExecuteCustomPhoneProvider({ secrets, notification }, api);
  const known = { as_text: 'Your code is 345678', delivery_method: 'text', locale: 'en', message_type: 'otp_verify' };
  await notify({ ...known, recipient: '+919876520003', code: '345678' });
  assert.deepEqual(await world.codes('+919876520003'), ['345678']);
  assert.deepEqual(dropped, []);
  await notify({ ...known, recipient: '+919876520003', message_type: 'blocked_account' });
  await notify({ ...known, recipient: '+911', code: '345678' });
  assert.deepEqual(dropped, ['no code', 'invalid_recipient']);

  const { onExecuteSendPhoneMessage } = load('auth0-mfa.js');
  const challenge = (recipient) =>
    onExecuteSendPhoneMessage({
      secrets,
      request: { ip: '203.0.113.7', language: 'en' },
      message_options: { action: 'second-factor-authentication', recipient, code: '456789', message_type: 'sms' },
    });
  await challenge('+919876520004');
  assert.deepEqual(await world.codes('+919876520004'), ['456789']);
  await assert.rejects(challenge('+911'), /otpmux: invalid_recipient/);
}

async function betterAuth(world) {
  Object.assign(process.env, { OTPMUX_URL: world.url, OTPMUX_API_KEY: KEY });
  const installed = (name) => import(pathToFileURL(require.resolve(name)));
  const [{ betterAuth }, { memoryAdapter }, { phoneNumber }, { otpmux }] = await Promise.all([
    installed('better-auth'),
    installed('better-auth/adapters/memory'),
    installed('better-auth/plugins'),
    import(pathToFileURL(path.join(SNIPPETS, 'better-auth.mjs'))),
  ]);
  const database = memoryAdapter({ user: [], session: [], account: [], verification: [] });
  const signUpOnVerification = { getTempEmail: (number) => `${number.slice(1)}@example.com` };
  const auth = betterAuth({
    baseURL: 'http://localhost:3000',
    secret: 'a-secret-of-better-auth-for-this-test-only',
    database,
    logger: { disabled: true },
    telemetry: { enabled: false },
    plugins: [phoneNumber({ ...otpmux, signUpOnVerification })],
  });
  const number = '+919876520005';
  await auth.api.sendPhoneNumberOTP({ body: { phoneNumber: number } });
  await auth.api.sendPhoneNumberOTP({ body: { phoneNumber: number } });
  const codes = await world.codes(number);
  assert.equal(new Set(codes).size, 1, 'the same code again');
  const [code] = codes;
  const wrong = code.endsWith('0') ? `${code.slice(0, -1)}1` : `${code.slice(0, -1)}0`;
  const verify = (typed) => auth.api.verifyPhoneNumber({ body: { phoneNumber: number, code: typed } });
  await assert.rejects(verify(wrong));
  const { user, token } = await verify(code);
  assert.equal(user.phoneNumber, number);
  assert.ok(token);
  await assert.rejects(verify(code), 'a code approves once');
}

async function firebase(world) {
  Object.assign(process.env, { OTPMUX_URL: world.url, OTPMUX_API_KEY: KEY });
  const { start, confirm } = await import(pathToFileURL(path.join(SNIPPETS, 'firebase.mjs')));
  const users = new Map();
  const auth = {
    async getUserByPhoneNumber(number) {
      if (!users.has(number)) throw Object.assign(new Error('none'), { code: 'auth/user-not-found' });
      return users.get(number);
    },
    async createUser({ phoneNumber }) {
      users.set(phoneNumber, { uid: 'u-1' });
      return users.get(phoneNumber);
    },
    createCustomToken: async (uid) => `token of ${uid}`,
  };
  const number = '+919876520006';
  await start(number, '203.0.113.7');
  const [code] = await world.codes(number);
  assert.equal(await confirm(auth, number, code === '0000' ? '1111' : '0000', '203.0.113.7'), null);
  assert.equal(await confirm(auth, number, code, '203.0.113.7'), 'token of u-1');
  assert.equal(await confirm(auth, number, code, '203.0.113.7'), null);
}

async function main() {
  const world = await World.start();
  try {
    for (const judge of [standardWebhooks, authsignal, auth0, betterAuth, firebase]) await judge(world);
  } finally {
    await world.stop();
  }
  console.log('hooks: standardwebhooks, Authsignal, the Actions of Auth0, better-auth and the functions for Firebase work');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
