// Events of a gateway, checked by the package "standardwebhooks": both secrets of a rotation, and no other.
'use strict';
const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { mkdtempSync, rmSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { Webhook } = require('standardwebhooks');

const ROOT = path.resolve(__dirname, '../../..');
const NEW = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OLD = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
const OTHER = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
const KEY = 'the-key-of-the-operator-0123';

const CONFIG = (port) => `
[providers.only]
kind = "easyotp"
base_url = "http://127.0.0.1:9"
api_key = "env:WEB_KEY"
[policy]
countries = "any"
[[server.api_keys]]
name = "operator"
key = "env:WEB_KEY"
admin = true
[[events]]
name = "judge"
url = "http://127.0.0.1:${port}/"
secret = "env:NEW"
secret_old = "env:OLD"
allow_loopback = true
`;

async function main() {
  const waiting = [];
  let arrive;
  const receiver = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    waiting.push({ headers: request.headers, body: Buffer.concat(parts).toString() });
    response.writeHead(200).end();
    if (arrive) arrive();
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const folder = mkdtempSync(path.join(tmpdir(), 'otpmux-'));
  const file = path.join(folder, 'otpmux.toml');
  writeFileSync(file, CONFIG(receiver.address().port));
  const built = process.env.OTPMUX_PROGRAM;
  const [program, before] = built ? [built, []] : ['cargo', ['run', '--quiet', '-p', 'otpmux-cli', '--']];
  const args = ['serve', '--json', '--listen', '127.0.0.1:0', '--config', file];
  const env = { ...process.env, WEB_KEY: KEY, NEW, OLD };
  const child = spawn(program, [...before, ...args], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  const url = JSON.parse(line).listening;
  for (const type of ['verification.approved', 'provider.down', 'check.exhausted']) {
    const arrived = new Promise((resolve) => { arrive = resolve; });
    const headers = { authorization: `Bearer ${KEY}` };
    const answer = await fetch(`${url}/v1/admin/events/trigger/${type}`, { method: 'POST', headers });
    const { id } = await answer.json();
    if (waiting.length === 0) await arrived;
    const { headers: got, body } = waiting.shift();
    for (const secret of [NEW, OLD]) assert.equal(new Webhook(secret).verify(body, got).type, type);
    assert.throws(() => new Webhook(OTHER).verify(body, got));
    assert.throws(() => new Webhook(NEW).verify(`${body} `, got));
    assert.equal(got['webhook-id'], id);
  }
  child.kill();
  await once(child, 'exit');
  receiver.close();
  rmSync(folder, { recursive: true });
  console.log('events: ok');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
