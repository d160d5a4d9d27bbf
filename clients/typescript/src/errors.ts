/** What is known about the message: it did not go out, a vendor said no, or it may have gone out. */
export type Certainty = "not_sent" | "rejected" | "unknown";

/** Every error of this package. */
export class OtpmuxError extends Error {
  readonly certainty: Certainty = "unknown";
}

/**
 * No answer of the gateway came: it may have carried out the request. Repeat the request under the
 * same idempotency key to learn what came of it.
 */
export class Unreachable extends OtpmuxError {
  override name = "Unreachable";
}

/** One field of the request that is wrong. */
export interface FieldError {
  field: string;
  message: string;
}

/**
 * The gateway did not do what it was asked (RFC 9457). Decide by `type` and `certainty`; `title` and
 * `detail` are for people.
 */
export class Problem extends OtpmuxError {
  override name = "Problem";
  /** A word that stays the same, such as `rate_limited`. */
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  /** The HTTP status. */
  readonly status: number;
  override readonly certainty: Certainty;
  /** The provider that the problem is about. */
  readonly provider: string | undefined;
  /** Seconds to wait before another try. */
  readonly retryAfter: number | undefined;
  /** Each field that is wrong. */
  readonly errors: readonly FieldError[];

  constructor(body: ProblemBody) {
    super(body.detail ? `${body.title}: ${body.detail}` : body.title);
    this.type = body.type.split(/[:/]/).at(-1) ?? "";
    this.title = body.title;
    this.detail = body.detail ?? "";
    this.status = body.status;
    this.certainty = body.certainty ?? (body.status >= 500 ? "unknown" : "not_sent");
    this.provider = body.provider;
    this.retryAfter = body.retry_after;
    this.errors = (body.errors ?? []).map(({ field, path, message }) => ({
      field: field ?? path ?? "",
      message,
    }));
  }
}

/** A problem as the gateway writes it. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail?: string;
  certainty?: Certainty;
  provider?: string;
  retry_after?: number;
  errors?: { field?: string; path?: string; message: string }[];
}
