-- Returns at most this many verifications whose time has come, and moves them to `in_until`. Waits for no
-- lock: what another call uses just now is left to the next call.
CREATE FUNCTION {v}_due(in_now bigint, in_until bigint, in_most bigint) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  r record;
BEGIN
  answer.word := 'due';
  answer.updates := '{}';
  FOR r IN
    SELECT id, recipient, purpose FROM records WHERE due_at <= in_now AND ends_at > in_now AND state <> 'g'
    ORDER BY due_at, id LIMIT in_most
  LOOP
    CONTINUE WHEN NOT pg_try_advisory_xact_lock({v}_lock_of({v}_live_key(r.recipient, r.purpose)));
    UPDATE records SET due_at = in_until WHERE id = r.id AND due_at <= in_now AND ends_at > in_now;
    IF FOUND THEN
      answer.updates := answer.updates || r.id;
    END IF;
  END LOOP;
  RETURN answer;
END
$$;

-- Changes when a process must look at a verification, unless another number of steps began or were passed
-- over.
CREATE FUNCTION {v}_reschedule(
  in_id bytea, in_step bigint, in_next_step bigint, in_due_at bigint, in_skips bytea, in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  live_key bytea := (SELECT {v}_live_key(recipient, purpose) FROM records WHERE id = in_id);
BEGIN
  answer.word := 'done';
  IF live_key IS NULL THEN
    RETURN answer;
  END IF;
  PERFORM {v}_lock(ARRAY[live_key]);
  UPDATE records SET escalations = nullif(in_next_step, 0), due_at = in_due_at, skips = skips || in_skips
  WHERE id = in_id AND ends_at > in_now AND state <> 'g' AND coalesce(escalations, 0) = in_step;
  RETURN answer;
END
$$;
