// Lets a user in who can read a code.
//
//     OTPMUX_URL=http://127.0.0.1:8080 OTPMUX_API_KEY=... node login.mjs +919876543210
import { createInterface } from "node:readline";

import { Gateway, Problem } from "./otpmux.mjs";

async function main() {
  const gateway = new Gateway(process.env.OTPMUX_URL, process.env.OTPMUX_API_KEY);
  let sent;
  try {
    sent = await gateway.send(process.argv[2], { purpose: "login" });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return `not sent: ${error.title.toLowerCase()}${wait(error)}`;
  }
  // `code_length` is null where the vendor alone decides. Do not hard-code it.
  const digits = sent.code_length ? `a code of ${sent.code_length} digits` : "a code";
  // Not confirmed is not failed: the message may well arrive.
  const certainly = sent.confirmed ? "" : "perhaps ";
  console.log(`${certainly}sent ${digits} to ${sent.to}`);

  const ask = () => console.log('the code, or "again" for another message:');
  ask();
  for await (const line of createInterface({ input: process.stdin })) {
    const typed = line.trim();
    if (!typed) break;
    try {
      if (typed === "again") {
        await gateway.resend(sent.id);
        console.log("sent again");
      } else {
        const answer = await gateway.verify(sent.id, typed);
        if (answer.verdict === "approved") {
          console.log("welcome");
          return null;
        }
        if (answer.verdict !== "wrong_code") {
          // Expired, used, locked, unknown: a stranger need not hear which.
          return "this code is of no use any more: begin again";
        }
        console.log("that is not the code");
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      console.log(`${error.title.toLowerCase()}${wait(error)}`);
    }
    ask();
  }
  return "nothing was typed";
}

function wait(problem) {
  return problem.retryAfter ? `; try again in ${problem.retryAfter} s` : "";
}

const failure = await main();
process.stdin.destroy(); // or Node.js waits for more to be typed
if (failure) {
  console.error(failure);
  process.exitCode = 1;
}
