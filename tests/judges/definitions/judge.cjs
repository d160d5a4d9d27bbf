// The adapters call the emulated vendors through Prism, which refuses what a vendor's definition does
// not allow, in requests and in answers.

const { spawn } = require("node:child_process");
const { createServer } = require("node:net");
const path = require("node:path");
const readline = require("node:readline");

const DEFINITIONS = {
  twilioverify: "twilio_verify_v2.prism.json",
  vonageverify: "vonage_verify_v2.patched.yml",
};
// Vonage's definition of 2023 knows workflows of one channel only.
const NOT_DEFINED = [/^vonageverify-workflow send (voice|whatsapp):/];
const started = [];

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function start(command, args, options) {
  const child = spawn(command, args, options);
  started.push(child);
  return child;
}

// Starts Prism in front of an address and returns its own.
async function prism(definition, upstream) {
  const port = await freePort();
  const cli = path.join(path.dirname(require.resolve("@stoplight/prism-cli/package.json")), "dist/index.js");
  const file = path.join(__dirname, definition);
  const child = start(process.execPath, [cli, "proxy", "--errors", "-h", "127.0.0.1", "-p", String(port), file, upstream]);
  const log = [];
  await new Promise((resolve, reject) => {
    const seen = (data) => {
      log.push(String(data));
      if (log.join("").includes("Prism is listening")) resolve();
    };
    child.stdout.on("data", seen);
    child.stderr.on("data", seen);
    child.on("exit", () => reject(new Error(log.join(""))));
  });
  return { url: `http://127.0.0.1:${port}`, log };
}

async function main() {
  const built = process.env.OTPMUX_JUDGED;
  const cargo = ["run", "--quiet", "-p", "otpmux-tests", "--bin", "judged"];
  const judged = start(built ?? "cargo", built ? [] : cargo, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = readline.createInterface({ input: judged.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value);
  const ready = await next();
  let failed = false;
  for (const [kind, definition] of Object.entries(DEFINITIONS)) {
    const { url, log } = await prism(definition, ready.vendors[kind].base_url);
    judged.stdin.write(`${kind} ${url}\n`);
    const result = await next();
    result.failed = result.failed.filter((text) => !NOT_DEFINED.some((known) => known.test(text)));
    console.log(`${kind}: ${result.calls} calls, ${result.failed.length} refused`);
    if (result.calls === 0 || result.failed.length > 0) {
      failed = true;
      console.error(result.failed.join("\n"));
      console.error(log.join("").split("\n").filter((line) => /violation|error/i.test(line)).slice(0, 40).join("\n"));
    }
  }
  // The judge must be able to refuse: a request without the brand.
  const { url } = await prism(DEFINITIONS.vonageverify, ready.vendors.vonageverify.base_url);
  const bad = await fetch(`${url}/v2/verify`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Basic YTpi" },
    body: JSON.stringify({ workflow: [{ channel: "sms", to: "15017122661" }] }),
  });
  if (bad.status !== 422) throw new Error(`Prism lets a request without its brand pass: ${bad.status}`);
  judged.stdin.end();
  process.exitCode = failed ? 1 : 0;
}

const patience = setTimeout(() => {
  console.error("it takes too long");
  process.exitCode = 1;
  end();
}, 180_000);

function end() {
  clearTimeout(patience);
  for (const child of started) child.kill();
}

main()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(end);
