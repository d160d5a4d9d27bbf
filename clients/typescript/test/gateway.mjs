// A gateway with emulated vendors: the program that OTPMUX_PROGRAM names.
import { spawn } from "node:child_process";
import { createServer, request } from "node:http";
import { once } from "node:events";
import { createInterface } from "node:readline";

export async function start() {
  const program = process.env.OTPMUX_PROGRAM;
  const args = ["dev", "--json", "--listen", "127.0.0.1:0", "--emulator", "127.0.0.1:0"];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(child.stdout), "line");
  const { gateway: url, api_key: apiKey, handset } = JSON.parse(line);
  const messages = async (to) => {
    const query = new URLSearchParams({ to });
    return (await fetch(`${handset.replace(/\/$/, "")}/_emulator/messages?${query}`)).json();
  };
  return {
    url,
    apiKey,
    messages,
    code: async (to) => (await messages(to)).at(-1).code,
    stop: async () => {
      child.kill();
      await once(child, "exit");
    },
  };
}

/** A proxy that passes requests on and loses the answers to the first ones. */
export async function losing(url, lost) {
  const proxy = { requests: 0 };
  const server = createServer((incoming, answer) => {
    proxy.requests += 1;
    const mine = proxy.requests;
    const { method, headers } = incoming;
    const upstream = request(url + incoming.url, { method, headers }, (from) => {
      if (mine <= lost) {
        from.resume().on("end", () => answer.destroy());
        return;
      }
      answer.writeHead(from.statusCode, from.headers);
      from.pipe(answer);
    });
    incoming.pipe(upstream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  proxy.stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return proxy;
}
