-- Closes a verification for good.
CREATE FUNCTION {v}_cancel(in_id bytea, in_now bigint) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  r records%ROWTYPE;
  live_key bytea := (SELECT {v}_live_key(recipient, purpose) FROM records WHERE id = in_id);
  is_live boolean;
BEGIN
  answer.word := 'over';
  IF live_key IS NULL THEN
    RETURN answer;
  END IF;
  PERFORM {v}_lock(ARRAY[live_key]);
  SELECT * INTO r FROM records WHERE id = in_id AND ends_at > in_now AND state <> 'g';
  IF NOT FOUND THEN
    RETURN answer;
  END IF;
  is_live := {v}_over(r.state, r.expires_at, in_now) IS NULL;
  IF is_live OR r.state = 's' THEN
    IF r.events IS NOT NULL THEN
      PERFORM {v}_happened(in_id, r.events, 'f', NULL,
        CASE WHEN r.attempt_states ~ '[IAUiau]' THEN 'cancelled' ELSE 'not_sent' END, in_now);
    END IF;
    UPDATE records SET state = 'c', due_at = due_after_end WHERE id = in_id;
  END IF;
  IF is_live THEN
    answer.word := 'cancelled';
  END IF;
  RETURN answer;
END
$$;
