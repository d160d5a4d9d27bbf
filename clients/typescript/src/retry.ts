import { Problem, Unreachable } from "./errors.js";

/**
 * How often and how long a request is repeated. A request that writes carries one idempotency key
 * for all its tries, so the gateway carries it out once, however often it is repeated.
 */
export interface Retry {
  /** How often a request is made at the most. */
  tries: number;
  /** Milliseconds before the second try; they double with each. */
  pause: number;
  /** The longest wait in milliseconds. What the gateway asks to wait for longer is told at once. */
  longestWait: number;
}

export const RETRY: Retry = { tries: 3, pause: 250, longestWait: 5_000 };

/** Milliseconds to wait before the next try, or `undefined` to tell the caller. */
export function wait(retry: Retry, error: unknown, tried: number): number | undefined {
  if (tried >= retry.tries) return undefined;
  const backoff = retry.pause * 2 ** (tried - 1);
  if (error instanceof Unreachable) return Math.min(backoff, retry.longestWait);
  if (!(error instanceof Problem) || !repeatable(error)) return undefined;
  const asked = Math.max(backoff, (error.retryAfter ?? 0) * 1_000);
  return asked <= retry.longestWait ? asked : undefined;
}

function repeatable(problem: Problem): boolean {
  // The first request under this key is still under way: its answer can be had in a moment.
  if (problem.status === 409) return problem.type === "conflict";
  // A limit is the caller's to tell its user. A vendor that said no says it again, unless the
  // gateway says when to come back.
  if (problem.certainty === "rejected" && problem.retryAfter === undefined) return false;
  return problem.status >= 500;
}
