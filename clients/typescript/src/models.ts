/** One try at one provider. */
export interface SendAttempt {
  provider: string;
  channel: string;
  state: "intended" | "accepted" | "not_sent" | "rejected" | "unknown";
  /** Why it was this provider's turn, such as `preferred` or `failover`. */
  reason?: string;
  failure?: string;
  /** Where the message is, as far as its vendor reported it: `delivered`, `failed` and so on. */
  delivery?: string;
  /** When it was delivered, as the gateway writes it. */
  delivered_at?: string;
}

/** A provider that was passed over. */
export interface Skipped {
  provider: string;
  /** Why, such as `circuit_open`. */
  reason?: string;
}

/** One recipient proving one thing once. Keep `id` in the user's session, on the server. */
export interface Verification {
  id: string;
  status: "pending" | "approved" | "expired" | "locked" | "closed";
  channel: string;
  /** The recipient, masked. */
  to: string;
  /** Whether a vendor has taken the newest message. If not, it may still arrive. */
  confirmed: boolean;
  expiresAt: Date;
  resendAfter: Date;
  guessesLeft: number;
  /** Who has made the code of the newest message: the gateway, or its vendor. */
  codeSource: "otpmux" | "vendor";
  /** Whether the newest message carries another code than those before it; both are good. */
  newCode: boolean;
  /** Whether this send repeated a verification that was live, because of `repeat`. */
  repeated: boolean;
  /** When another message may be sent without a request; `undefined` if none will be. */
  nextStepAt: Date | undefined;
  /** Digits of the code, where that is known. Do not hard-code six. */
  codeLength: number | undefined;
  send_attempts: SendAttempt[];
  skipped: Skipped[];
  metadata: Record<string, string>;
}

/** The delivery of a code that your application made and checks itself. */
export interface Delivery {
  id: string;
  /** `pending`: it can be sent again. */
  status: "pending" | "ended";
  channel: string;
  /** The recipient, masked. */
  to: string;
  /** Whether a vendor has accepted the newest message. If not, it may still arrive. */
  confirmed: boolean;
  expiresAt: Date;
  resendAfter: Date;
  send_attempts: SendAttempt[];
  skipped: Skipped[];
  metadata: Record<string, string>;
}

/** The answer to a code. A wrong code is an answer, not an error. */
export interface Verdict {
  verdict:
    | "approved"
    | "wrong_code"
    | "expired"
    | "already_used"
    | "too_many_guesses"
    | "not_found"
    | "gone"
    | "rejected";
  /** Whether to let the user in. Nothing else does. */
  approved: boolean;
  guessesLeft: number | undefined;
  /** Seconds until a code may be tried again. */
  retryAfter: number | undefined;
}

/** A verification as the gateway writes it. */
export interface VerificationBody {
  id: string;
  status: Verification["status"];
  channel: string;
  to: string;
  confirmed: boolean;
  expires_at: string;
  resend_after: string;
  guesses_left: number;
  code_source?: Verification["codeSource"];
  new_code?: boolean;
  repeated?: boolean;
  next_step_at?: string | null;
  code_length?: number | null;
  send_attempts?: SendAttempt[];
  skipped?: Skipped[];
  metadata?: Record<string, string>;
}

/** A delivery as the gateway writes it. */
export interface DeliveryBody {
  id: string;
  status: Delivery["status"];
  channel: string;
  to: string;
  confirmed: boolean;
  expires_at: string;
  resend_after: string;
  send_attempts?: SendAttempt[];
  skipped?: Skipped[];
  metadata?: Record<string, string>;
}

/** A verdict as the gateway writes it. */
export interface VerdictBody {
  verdict: Verdict["verdict"];
  guesses_left?: number;
  retry_after?: number;
}

export function verification(body: VerificationBody): Verification {
  return {
    id: body.id,
    status: body.status,
    channel: body.channel,
    to: body.to,
    confirmed: body.confirmed,
    expiresAt: new Date(body.expires_at),
    resendAfter: new Date(body.resend_after),
    guessesLeft: body.guesses_left,
    codeSource: body.code_source ?? "otpmux",
    newCode: body.new_code ?? false,
    repeated: body.repeated ?? false,
    nextStepAt: body.next_step_at ? new Date(body.next_step_at) : undefined,
    codeLength: body.code_length ?? undefined,
    send_attempts: body.send_attempts ?? [],
    skipped: body.skipped ?? [],
    metadata: body.metadata ?? {},
  };
}

export function delivery(body: DeliveryBody): Delivery {
  return {
    id: body.id,
    status: body.status,
    channel: body.channel,
    to: body.to,
    confirmed: body.confirmed,
    expiresAt: new Date(body.expires_at),
    resendAfter: new Date(body.resend_after),
    send_attempts: body.send_attempts ?? [],
    skipped: body.skipped ?? [],
    metadata: body.metadata ?? {},
  };
}

export function verdict(body: VerdictBody): Verdict {
  return {
    verdict: body.verdict,
    approved: body.verdict === "approved",
    guessesLeft: body.guesses_left,
    retryAfter: body.retry_after,
  };
}
