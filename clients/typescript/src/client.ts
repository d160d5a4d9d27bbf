import { Problem, type ProblemBody, Unreachable } from "./errors.js";
import {
  type Delivery,
  type DeliveryBody,
  delivery,
  type Verdict,
  type VerdictBody,
  type Verification,
  type VerificationBody,
  verdict,
  verification,
} from "./models.js";
import { RETRY, type Retry, wait } from "./retry.js";

export interface Options {
  /** Milliseconds for one try; should exceed the gateway's `policy.deadline`. Default 30,000. */
  timeout?: number;
  retry?: Partial<Retry>;
  /** Another `fetch`, for proxies or tests. */
  fetch?: typeof fetch;
}

export interface SendOptions {
  /** The country (ISO 3166-1) in whose national form the number is, if it does not begin with `+`. */
  country?: string;
  purpose?: string;
  channel?: string;
  locale?: string;
  /** Seconds for which the code is good. */
  ttl?: number;
  codeLength?: number;
  template?: string;
  /** The values of the variables in the configured text. */
  variables?: Record<string, string>;
  /** The name of the service in the text: one that the API key may give. */
  brand?: string;
  /** A text with `{code}` in place of the configured one, for API keys that may give one. */
  message?: string;
  /** While a verification is live: `same_code` sends that one again, `new_code` a new one. */
  repeat?: "new_code" | "same_code";
  /** `false`: no message is sent that was not requested. */
  escalate?: boolean;
  /** An id of your own, for `verifyExternal`. */
  externalId?: string;
  metadata?: Record<string, string>;
  /** The end user's address: without it, nothing limits one attacker. */
  clientIp?: string;
  userAgent?: string;
  /** Your own name for this request makes a repeat after a crash safe, too. */
  idempotencyKey?: string;
}

export interface DeliverOptions {
  /** The country (ISO 3166-1) in whose national form the number is, if it does not begin with `+`. */
  country?: string;
  purpose?: string;
  channel?: string;
  locale?: string;
  /** Seconds for which your application accepts the code. */
  ttl?: number;
  template?: string;
  /** The values of the variables in the configured text. */
  variables?: Record<string, string>;
  /** The name of the service in the text: one that the API key may give. */
  brand?: string;
  /** A finished text with the code, for API keys that may give one. */
  message?: string;
  metadata?: Record<string, string>;
  /** The end user's address: without it, nothing limits one attacker. */
  clientIp?: string;
  userAgent?: string;
  /** Your own name for this request makes a repeat after a crash safe, too. */
  idempotencyKey?: string;
}

interface Call {
  method: "GET" | "POST" | "DELETE";
  path: string;
  body?: object;
  key?: string;
}

const DELIVERIES = "/v1/deliveries";

/** A client of one gateway. Use one for the whole program. */
export class Otpmux {
  readonly #url: string;
  readonly #apiKey: string;
  readonly #timeout: number;
  readonly #retry: Retry;
  readonly #fetch: typeof fetch;

  constructor(url: string, apiKey: string, options: Options = {}) {
    if (!/^https?:\/\//.test(url)) throw new TypeError("the URL of the gateway must begin with https:// or http://");
    this.#url = url.replace(/\/+$/, "");
    this.#apiKey = apiKey;
    this.#timeout = options.timeout ?? 30_000;
    this.#retry = { ...RETRY, ...options.retry };
    this.#fetch = options.fetch ?? fetch;
  }

  /** Sends a code to a telephone number or an e-mail address. */
  async send(to: string, options: SendOptions = {}): Promise<Verification> {
    const { country, purpose, channel, locale, ttl, codeLength, template, metadata } = options;
    const { clientIp, userAgent, idempotencyKey, variables, brand, message, repeat } = options;
    const client =
      clientIp === undefined && userAgent === undefined
        ? undefined
        : { ip: clientIp, user_agent: userAgent };
    const wishes = { country, purpose, channel, locale, ttl, template, metadata };
    const text = { variables, brand, message, repeat, external_id: options.externalId };
    const { escalate } = options;
    const body = { to, ...wishes, ...text, escalate, code_length: codeLength, client };
    return verification(await this.#write<VerificationBody>("", body, idempotencyKey));
  }

  /** Sends another message because the user asked for it. Renews neither ttl nor guesses. */
  async resend(
    id: string,
    options: { channel?: string; locale?: string; idempotencyKey?: string } = {},
  ): Promise<Verification> {
    const { channel, locale, idempotencyKey } = options;
    const path = `/${encodeURIComponent(id)}/resend`;
    const body = { channel, locale };
    return verification(await this.#write<VerificationBody>(path, body, idempotencyKey));
  }

  /**
   * Checks a code. Only `approved` lets the user in; an error never does. All tries of this call have
   * one idempotency key, so a lost answer costs no guess.
   */
  async verify(
    id: string,
    code: string,
    options: { clientIp?: string; idempotencyKey?: string } = {},
  ): Promise<Verdict> {
    const { clientIp, idempotencyKey } = options;
    const client = clientIp === undefined ? undefined : { ip: clientIp };
    const path = `/${encodeURIComponent(id)}/verify`;
    return verdict(await this.#write<VerdictBody>(path, { code, client }, idempotencyKey));
  }

  /**
   * Checks a code for the newest verification of a recipient and purpose: no id to keep. Do not show
   * users the reason of a verdict: it reveals to a stranger whether a code was sent.
   */
  async verifyRecipient(
    to: string,
    code: string,
    options: { country?: string; purpose?: string; clientIp?: string; idempotencyKey?: string } = {},
  ): Promise<Verdict> {
    const { country, purpose } = options;
    return this.#verifySelected({ to, country, purpose }, code, options);
  }

  /** Checks a code for the verification that was sent with this `externalId`. */
  async verifyExternal(
    externalId: string,
    code: string,
    options: { purpose?: string; clientIp?: string; idempotencyKey?: string } = {},
  ): Promise<Verdict> {
    return this.#verifySelected({ external_id: externalId, purpose: options.purpose }, code, options);
  }

  async #verifySelected(
    selection: object,
    code: string,
    { clientIp, idempotencyKey }: { clientIp?: string; idempotencyKey?: string },
  ): Promise<Verdict> {
    const client = clientIp === undefined ? undefined : { ip: clientIp };
    const body = { ...selection, code, client };
    return verdict(await this.#write<VerdictBody>("/verify", body, idempotencyKey));
  }

  /** Returns the status and the history of a verification. */
  async get(id: string): Promise<Verification> {
    const path = `/v1/verifications/${encodeURIComponent(id)}`;
    return verification(await this.#call<VerificationBody>({ method: "GET", path }));
  }

  /** Cancels a verification: no code is valid for it any more. */
  async cancel(id: string): Promise<void> {
    const path = `/v1/verifications/${encodeURIComponent(id)}`;
    await this.#call<undefined>({ method: "DELETE", path });
  }

  /**
   * Delivers a code that your application made and checks itself: with the routes, limits and failover
   * of a send, and without a verification. Without `code`, the only number of 4 to 10 digits in
   * `message` is the code.
   */
  async deliver(
    to: string,
    code: string | undefined,
    options: DeliverOptions = {},
  ): Promise<Delivery> {
    const { clientIp, userAgent, idempotencyKey, ...wishes } = options;
    const client =
      clientIp === undefined && userAgent === undefined
        ? undefined
        : { ip: clientIp, user_agent: userAgent };
    const key = idempotencyKey ?? crypto.randomUUID();
    const body = { to, code, ...wishes, client };
    return delivery(await this.#call<DeliveryBody>({ method: "POST", path: DELIVERIES, body, key }));
  }

  /** Delivers the same code again because the user asked for it. */
  async redeliver(
    id: string,
    options: { channel?: string; locale?: string; idempotencyKey?: string } = {},
  ): Promise<Delivery> {
    const { idempotencyKey, ...body } = options;
    const path = `${DELIVERIES}/${encodeURIComponent(id)}/resend`;
    const key = idempotencyKey ?? crypto.randomUUID();
    return delivery(await this.#call<DeliveryBody>({ method: "POST", path, body, key }));
  }

  /** Returns the status and the history of a delivery. */
  async delivery(id: string): Promise<Delivery> {
    const path = `${DELIVERIES}/${encodeURIComponent(id)}`;
    return delivery(await this.#call<DeliveryBody>({ method: "GET", path }));
  }

  /** Reports the outcome: `approved` (the user typed the code) or `cancelled`. */
  async endDelivery(id: string, outcome: "approved" | "cancelled"): Promise<void> {
    const path = `${DELIVERIES}/${encodeURIComponent(id)}/outcome`;
    await this.#call<undefined>({ method: "POST", path, body: { outcome } });
  }

  /** Returns channels, countries, lengths of codes and limits, as the gateway is configured. */
  async capabilities(): Promise<Record<string, unknown>> {
    return this.#call({ method: "GET", path: "/v1/capabilities" });
  }

  #write<T>(path: string, body: object, key = crypto.randomUUID() as string): Promise<T> {
    return this.#call<T>({ method: "POST", path: `/v1/verifications${path}`, body, key });
  }

  async #call<T>(call: Call): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await this.#once<T>(call);
      } catch (error) {
        const pause = wait(this.#retry, error, tried);
        if (pause === undefined) throw error;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    }
  }

  async #once<T>({ method, path, body, key }: Call): Promise<T> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.#apiKey}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (key !== undefined) headers["Idempotency-Key"] = key;
    const init: RequestInit = { method, headers, signal: AbortSignal.timeout(this.#timeout) };
    if (body !== undefined) init.body = JSON.stringify(body);
    try {
      const answer = await this.#fetch(this.#url + path, init);
      const text = await answer.text();
      if (answer.ok) return (text === "" ? undefined : JSON.parse(text)) as T;
      if (answer.headers.get("content-type")?.startsWith("application/problem+json")) {
        throw new Problem(JSON.parse(text) as ProblemBody);
      }
      throw new Unreachable(`HTTP status ${answer.status}, not from the gateway`);
    } catch (error) {
      if (error instanceof Problem || error instanceof Unreachable) throw error;
      throw new Unreachable("no answer that can be read came from the gateway: is its URL right, and does it run?", { cause: error });
    }
  }
}
