-- Writes a new verification, or a delivery, with its first send attempt. `in_externals` is the external
-- id under every server key. A delivery supersedes none, is superseded by none and is repeated by none.
CREATE FUNCTION {v}_create(
  in_id bytea, in_recipient bytea, in_purpose bytea, in_state text, in_ends_at bigint,
  in_expires_at bigint, in_guesses bigint, in_max_guesses bigint, in_resends bigint,
  in_resend_after bigint, in_code_key bytea, in_code_by_id bytea,
  in_code_by_recipient bytea, in_code_by_external bytea, in_external_id bytea,
  in_request_name bytea, in_request_content bytea, in_rest bytea, in_attempt_states text, in_attempt_keys bytea[],
  in_attempt_forms bytea[], in_failures text[], in_references bytea[], in_terms text[],
  in_deliveries bigint[], in_skips bytea, in_due_at bigint, in_due_after_end bigint, in_escalations bigint, in_events text,
  in_externals bytea[], in_is_delivery boolean, in_repeat boolean,
  hit_keys bytea[], longests bigint[], mosts bigint[],
  window_keys bytea[], counts bigint[], pers bigint[],
  in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  live_key bytea := {v}_live_key(in_recipient, in_purpose);
  r records%ROWTYPE;
  older bytea;
  older_state text;
  older_expires_at bigint;
  own_tag bytea;
BEGIN
  PERFORM {v}_lock(
    hit_keys || live_key || ('\x22'::bytea || in_id) || ('\x21'::bytea || in_request_name)
    || ARRAY(SELECT '\x24'::bytea || it FROM unnest(in_externals) AS it)
  );

  IF in_request_name IS NOT NULL THEN
    SELECT * INTO r FROM records
    WHERE id = (SELECT id FROM requests WHERE name = in_request_name) AND ends_at > in_now AND state <> 'g';
    IF FOUND AND NOT {v}_failed(r.state, r.attempt_states) THEN
      IF r.request_content IS DISTINCT FROM in_request_content THEN
        answer.word := 'key_reused';
      ELSE
        answer.word := 'before';
        answer.record := {v}_bytes(r);
      END IF;
      RETURN answer;
    END IF;
  END IF;

  IF in_repeat AND NOT in_is_delivery THEN
    SELECT * INTO r FROM records
    WHERE id = (SELECT id FROM live WHERE key = live_key) AND ends_at > in_now AND state <> 'g';
    IF FOUND AND {v}_over(r.state, r.expires_at, in_now) IS NULL AND r.guesses < r.max_guesses THEN
      answer.word := 'live';
      answer.record := {v}_bytes(r);
      RETURN answer;
    END IF;
  END IF;

  FOREACH own_tag IN ARRAY in_externals LOOP
    SELECT * INTO r FROM records
    WHERE id = (SELECT id FROM externals WHERE tag = own_tag) AND ends_at > in_now AND state <> 'g';
    IF FOUND AND NOT {v}_failed(r.state, r.attempt_states) THEN
      answer.word := 'external_id_taken';
      RETURN answer;
    END IF;
  END LOOP;

  SELECT place, wait INTO answer.number, answer.wait FROM {v}_full(window_keys, counts, pers, in_now);
  IF answer.wait IS NOT NULL THEN
    answer.word := 'limited';
    RETURN answer;
  END IF;

  IF NOT in_is_delivery THEN
    SELECT id, state, expires_at INTO older, older_state, older_expires_at FROM records
    WHERE id = (SELECT id FROM live WHERE key = live_key) AND ends_at > in_now AND state <> 'g';
  END IF;
  FOR turn IN 1 .. 2 LOOP
    INSERT INTO records (
      id, recipient, purpose, state, ends_at, expires_at, guesses, max_guesses, resends,
      resend_after, supersedes, code_key, code_by_id, code_by_recipient, code_by_external,
      external_id, request_name, request_content, rest,
      attempt_states, attempt_keys, attempt_forms, failures, vendor_references, vendor_terms,
      deliveries, skips, due_at, due_after_end, escalations, events
    ) VALUES (
      in_id, in_recipient, in_purpose, in_state, in_ends_at, in_expires_at, in_guesses,
      in_max_guesses, in_resends, in_resend_after, older, in_code_key, in_code_by_id,
      in_code_by_recipient, in_code_by_external, in_external_id, in_request_name, in_request_content, in_rest, in_attempt_states, in_attempt_keys,
      in_attempt_forms, in_failures, in_references, in_terms, in_deliveries, in_skips,
      in_due_at, in_due_after_end, in_escalations, in_events
    ) ON CONFLICT (id) DO NOTHING;
    EXIT WHEN FOUND;
    -- The row may be one that does not exist any more and that no call has removed yet.
    DELETE FROM records WHERE id = in_id AND ends_at <= in_now;
    IF NOT FOUND THEN
      answer.word := 'given_up';
      RETURN answer;
    END IF;
    DELETE FROM guesses WHERE record = in_id;
    DELETE FROM attempt_references WHERE record = in_id;
  END LOOP;
  -- Only a live one: an expired one must still answer `expired`.
  IF older IS NOT NULL AND {v}_over(older_state, older_expires_at, in_now) IS NULL THEN
    UPDATE records SET state = 's', due_at = due_after_end WHERE id = older;
  END IF;
  IF NOT in_is_delivery THEN
    INSERT INTO live (key, id) VALUES (live_key, in_id)
    ON CONFLICT (key) DO UPDATE SET id = excluded.id;
  END IF;
  IF in_external_id IS NOT NULL THEN
    INSERT INTO externals (tag, id) VALUES (in_external_id, in_id)
    ON CONFLICT (tag) DO UPDATE SET id = excluded.id;
  END IF;
  IF in_request_name IS NOT NULL THEN
    INSERT INTO requests (name, id) VALUES (in_request_name, in_id)
    ON CONFLICT (name) DO UPDATE SET id = excluded.id;
  END IF;
  PERFORM {v}_hit(hit_keys, longests, mosts, in_now);
  IF in_events IS NOT NULL THEN
    PERFORM {v}_happened(in_id, in_events, 'c', NULL, NULL, in_now);
  END IF;
  answer.word := 'new';
  answer.updates := {v}_updates(in_now);
  RETURN answer;
END
$$;
