-- Checks a guess at the verification that it selects (see `select`). The expected purpose and recipients are null if any will do. `own` and `total` are
-- the guesser and all guessers, with the windows that count them.
CREATE FUNCTION {v}_check_guess(
  in_id bytea, live_keys bytea[], external_tags bytea[],
  expected_purpose bytea, expected_recipients bytea[],
  own bytea, own_counts bigint[], own_pers bigint[],
  total bytea, total_counts bigint[], total_pers bigint[],
  code_keys bytea[], code_macs bytea[], in_name bytea, in_content bytea, in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  r records%ROWTYPE;
  g guesses%ROWTYPE;
  chosen bytea := {v}_select(in_id, live_keys, external_tags, in_name, in_now);
  own_key bytea;
  total_key bytea;
  is_known boolean := false;
  is_right boolean;
BEGIN
  SELECT * INTO r FROM records WHERE id = chosen AND ends_at > in_now AND state <> 'g';
  -- For a caller that expects another recipient or purpose, this verification does not exist. They
  -- never change.
  IF NOT FOUND OR expected_purpose <> r.purpose OR NOT r.recipient = ANY (expected_recipients) THEN
    answer.word := 'not_found';
    RETURN answer;
  END IF;
  own_key := {v}_guess_key('\x07', r.recipient, own);
  total_key := {v}_guess_key('\x09', r.recipient, total);
  PERFORM {v}_lock(ARRAY[{v}_live_key(r.recipient, r.purpose), own_key, total_key, '\x25'::bytea || in_name]);
  IF in_id IS NULL OR in_name IS NOT NULL THEN
    IF {v}_select(in_id, live_keys, external_tags, in_name, in_now) IS DISTINCT FROM chosen THEN
      RAISE EXCEPTION 'superseded meanwhile' USING ERRCODE = '{again}';
    END IF;
  END IF;
  SELECT * INTO r FROM records WHERE id = chosen AND ends_at > in_now AND state <> 'g';
  IF NOT FOUND THEN
    answer.word := 'not_found';
    RETURN answer;
  END IF;
  answer.id := chosen;
  IF in_name IS NOT NULL THEN
    SELECT * INTO g FROM guesses WHERE name = in_name AND record = chosen;
    is_known := FOUND;
    IF is_known AND g.content <> in_content THEN
      answer.word := 'key_reused';
      answer.id := NULL;
      RETURN answer;
    ELSIF is_known AND g.state = 'a' THEN
      answer.word := 'approved';
      RETURN answer;
    ELSIF is_known AND g.state = 'w' THEN
      answer.word := 'wrong_code';
      answer.number := g.number;
      RETURN answer;
    END IF;
  END IF;
  answer.word := {v}_over(r.state, r.expires_at, in_now);
  IF answer.word IS NOT NULL THEN
    RETURN answer;
  END IF;
  IF is_known THEN
    -- It was counted before: its vendors are asked again.
    UPDATE guesses SET number = number + 1 WHERE name = in_name AND record = chosen;
    answer.word := 'ask_vendors';
    answer.record := {v}_bytes(r);
    answer.id := NULL;
    RETURN answer;
  END IF;
  IF r.guesses >= r.max_guesses THEN
    answer.word := 'too_many_guesses';
    RETURN answer;
  END IF;
  SELECT f.wait INTO answer.wait FROM {v}_full(
    array_fill(own_key, ARRAY[cardinality(own_counts)]) || array_fill(total_key, ARRAY[cardinality(total_counts)]),
    own_counts || total_counts, own_pers || total_pers, in_now
  ) AS f;
  IF answer.wait IS NOT NULL THEN
    answer.word := 'too_many_guesses';
    RETURN answer;
  END IF;
  -- A comparison that ends at the first difference reveals nothing here: both sides are HMACs, and a
  -- guesser does not have the key, so cannot choose bytes to probe with. A code counts once a send
  -- attempt that carries it may have gone out.
  is_right := r.attempt_states ~ '[IAU]' AND EXISTS (
    SELECT FROM unnest(code_keys, code_macs) AS form(key, mac)
    WHERE form.key = r.code_key AND form.mac = CASE
      WHEN in_id IS NOT NULL THEN r.code_by_id
      WHEN live_keys IS NOT NULL THEN r.code_by_recipient
      ELSE r.code_by_external
    END
  );
  -- Every guess is counted, whatever its verdict.
  r.guesses := r.guesses + 1;
  IF is_right THEN
    r.state := 'a';
    r.due_at := NULL;
  END IF;
  UPDATE records SET guesses = r.guesses, state = r.state, due_at = r.due_at WHERE id = chosen;
  IF r.events IS NOT NULL THEN
    IF is_right THEN
      PERFORM {v}_happened(chosen, r.events, 'a', NULL, NULL, in_now);
    ELSIF r.guesses >= r.max_guesses AND r.attempt_states !~ '[iau]' THEN
      PERFORM {v}_happened(chosen, r.events, 'x', NULL, NULL, in_now);
    END IF;
  END IF;
  IF is_right THEN
    PERFORM {v}_clear(own_key);
    answer.word := 'approved';
    IF in_name IS NOT NULL THEN
      PERFORM {v}_keep_guess(chosen, in_name, in_content, 'a', 0, 0);
    END IF;
    RETURN answer;
  END IF;
  IF cardinality(own_counts) > 0 THEN
    PERFORM {v}_hit(ARRAY[own_key], ARRAY[(SELECT max(it) FROM unnest(own_pers) AS it)],
      ARRAY[(SELECT max(it) FROM unnest(own_counts) AS it)], in_now);
  END IF;
  IF cardinality(total_counts) > 0 THEN
    PERFORM {v}_hit(ARRAY[total_key], ARRAY[(SELECT max(it) FROM unnest(total_pers) AS it)],
      ARRAY[(SELECT max(it) FROM unnest(total_counts) AS it)], in_now);
  END IF;
  IF r.attempt_states ~ '[iau]' THEN
    answer.word := 'ask_vendors';
    answer.record := {v}_bytes(r);
    answer.id := NULL;
    IF in_name IS NOT NULL THEN
      PERFORM {v}_keep_guess(chosen, in_name, in_content, 'p', 1, in_now);
    END IF;
    RETURN answer;
  END IF;
  answer.word := 'wrong_code';
  answer.number := r.max_guesses - r.guesses;
  IF in_name IS NOT NULL THEN
    PERFORM {v}_keep_guess(chosen, in_name, in_content, 'w', answer.number, 0);
  END IF;
  RETURN answer;
END
$$;
