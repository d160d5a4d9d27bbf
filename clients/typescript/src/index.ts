/** Client of the otpmux gateway: send one-time codes over several vendors and verify them. */
export { Otpmux, type DeliverOptions, type Options, type SendOptions } from "./client.js";
export { type Certainty, type FieldError, OtpmuxError, Problem, Unreachable } from "./errors.js";
export type { Delivery, SendAttempt, Skipped, Verdict, Verification } from "./models.js";
export type { Retry } from "./retry.js";
