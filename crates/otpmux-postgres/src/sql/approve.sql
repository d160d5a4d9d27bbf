-- Consumes a verification whose vendor approved a guess that was counted before.
CREATE FUNCTION {v}_approve(
  in_id bytea, own bytea, total bytea, in_counted_at bigint, in_name bytea, in_content bytea,
  in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  r records%ROWTYPE;
  g guesses%ROWTYPE;
  own_key bytea;
  total_key bytea;
  counted bigint := in_counted_at;
BEGIN
  SELECT * INTO r FROM records WHERE id = in_id;
  IF NOT FOUND THEN
    answer.word := 'not_found';
    RETURN answer;
  END IF;
  own_key := {v}_guess_key('\x07', r.recipient, own);
  total_key := {v}_guess_key('\x09', r.recipient, total);
  PERFORM {v}_lock(ARRAY[{v}_live_key(r.recipient, r.purpose), own_key, total_key, '\x25'::bytea || in_name]);
  SELECT * INTO r FROM records WHERE id = in_id AND ends_at > in_now AND state <> 'g';
  IF NOT FOUND THEN
    answer.word := 'not_found';
    RETURN answer;
  END IF;
  SELECT * INTO g FROM guesses WHERE name = in_name AND record = in_id AND content = in_content;
  answer.word := {v}_over(r.state, r.expires_at, in_now);
  IF answer.word IS NOT NULL THEN
    -- Another call under the same name came first.
    IF g.state = 'a' THEN
      answer.word := 'approved';
    END IF;
    RETURN answer;
  END IF;
  IF g.state = 'p' THEN
    counted := g.counted_at;
  END IF;
  UPDATE records SET state = 'a', due_at = NULL WHERE id = in_id;
  IF r.events IS NOT NULL THEN
    PERFORM {v}_happened(in_id, r.events, 'a', NULL, NULL, in_now);
  END IF;
  PERFORM {v}_clear(own_key);
  IF counted IS NOT NULL THEN
    PERFORM {v}_take_back(total_key, counted);
  END IF;
  IF in_name IS NOT NULL THEN
    PERFORM {v}_keep_guess(in_id, in_name, in_content, 'a', 0, 0);
  END IF;
  answer.word := 'approved';
  RETURN answer;
END
$$;
