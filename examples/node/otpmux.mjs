// A client for an otpmux gateway that needs nothing but Node.js 18.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

/** The gateway did not do what it was asked. `type` is what programs should look at. */
export class Problem extends Error {
  constructor(problem) {
    super(problem.title);
    this.type = problem.type.split(":").pop();
    this.title = problem.title;
    this.detail = problem.detail;
    this.status = problem.status;
    /** What is known about the message: "not_sent", "rejected" or "unknown". */
    this.certainty = problem.certainty;
    /** Whose fault: "caller", "policy", "provider", "recipient" or "internal" (the gateway's own). */
    this.blame = problem.blame;
    /** Seconds to wait before another try. */
    this.retryAfter = problem.retry_after;
  }
}

export class Gateway {
  #url;
  #apiKey;

  constructor(url, apiKey) {
    this.#url = url.replace(/\/$/, "");
    this.#apiKey = apiKey;
  }

  /**
   * Sends a code. Keep the answer's `id` in the user's session, on the server. `to` may be as the user
   * typed it: "+91 98765 43210", or "098765 43210" with the country "IN".
   */
  send(to, { purpose, clientIp, country }) {
    const client = clientIp ? { ip: clientIp } : undefined;
    return this.#write("/v1/verifications", { to, purpose, country, client });
  }

  /** Sends the same code again. */
  resend(id) {
    return this.#write(`/v1/verifications/${id}/resend`, {});
  }

  /**
   * Tries a code. A wrong one is an answer; only the verdict "approved" lets anybody in. However
   * often it is asked for, it uses up one of the user's guesses.
   */
  verify(id, code, { clientIp } = {}) {
    const client = clientIp ? { ip: clientIp } : undefined;
    return this.#write(`/v1/verifications/${id}/verify`, { code, client });
  }

  async #write(path, body) {
    // One key for all tries of one request: it is done once, however often it is asked for. So an
    // answer that got lost may be asked for again.
    const headers = { "Idempotency-Key": randomUUID() };
    for (let triesLeft = 2; ; triesLeft -= 1) {
      try {
        return await this.#call(path, body, headers);
      } catch (error) {
        const wait = error.retryAfter ?? 1;
        const final = error instanceof Problem && (error.status < 500 || wait > 5);
        if (final || triesLeft === 0) throw error;
        await sleep(wait * 1000);
      }
    }
  }

  async #call(path, body, headers = {}) {
    const answer = await fetch(this.#url + path, {
      method: "POST",
      headers: {
        Authorization: `Bearer ${this.#apiKey}`,
        "Content-Type": "application/json",
        ...headers,
      },
      body: JSON.stringify(body),
      // Longer than a send may take over all vendors (policy.deadline).
      signal: AbortSignal.timeout(30_000),
    });
    if (answer.ok) return answer.json();
    if (answer.headers.get("content-type") !== "application/problem+json") {
      // Not from the gateway, but from something before it.
      throw new Error(`HTTP status ${answer.status}`);
    }
    throw new Problem(await answer.json());
  }
}
