-- Records that the vendors did not approve a guess that was counted before: so many guesses are left
-- after a wrong code; none is said if it was never compared.
CREATE FUNCTION {v}_end_guess(
  in_id bytea, own bytea, total bytea, in_counted_at bigint, guesses_left bigint, in_name bytea,
  in_content bytea, in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  r records%ROWTYPE;
  g guesses%ROWTYPE;
  own_key bytea;
  total_key bytea;
  counted bigint := in_counted_at;
BEGIN
  answer.word := 'done';
  SELECT * INTO r FROM records WHERE id = in_id;
  IF NOT FOUND THEN
    RETURN answer;
  END IF;
  own_key := {v}_guess_key('\x07', r.recipient, own);
  total_key := {v}_guess_key('\x09', r.recipient, total);
  PERFORM {v}_lock(ARRAY[{v}_live_key(r.recipient, r.purpose), own_key, total_key, '\x25'::bytea || in_name]);
  SELECT * INTO r FROM records WHERE id = in_id AND ends_at > in_now AND state <> 'g';
  IF NOT FOUND THEN
    RETURN answer;
  END IF;
  IF in_name IS NOT NULL THEN
    SELECT * INTO g FROM guesses WHERE name = in_name AND record = in_id AND content = in_content;
    IF NOT FOUND OR g.state <> 'p' THEN
      RETURN answer;
    END IF;
    counted := g.counted_at;
    IF guesses_left IS NOT NULL THEN
      PERFORM {v}_keep_guess(in_id, in_name, in_content, 'w', guesses_left, 0);
    ELSIF g.number > 1 THEN
      UPDATE guesses SET number = number - 1 WHERE name = in_name AND record = in_id;
      RETURN answer;
    END IF;
  END IF;
  IF guesses_left IS NOT NULL OR r.state IN ('a', 'c') THEN
    RETURN answer;
  END IF;
  IF in_name IS NOT NULL THEN
    DELETE FROM guesses WHERE name = in_name AND record = in_id;
  END IF;
  UPDATE records SET guesses = greatest(guesses - 1, 0) WHERE id = in_id;
  IF counted IS NOT NULL THEN
    PERFORM {v}_take_back(own_key, counted);
    PERFORM {v}_take_back(total_key, counted);
  END IF;
  RETURN answer;
END
$$;
