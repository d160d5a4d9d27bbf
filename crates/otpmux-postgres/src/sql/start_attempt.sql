-- Writes a further send attempt, after the ends of earlier ones. `most_resends` and `next_after` are
-- for the first send attempt of a resend; `in_step` and `next_due_at` for that of a step of escalation.
CREATE FUNCTION {v}_start_attempt(
  in_id bytea, end_places integer[], end_states text[], end_failures text[],
  end_references bytea[], end_terms text[], end_tags bytea[], in_skips bytea,
  in_letter text, in_key bytea, in_form bytea, in_failure text, in_reference bytea, in_terms text,
  in_delivery bigint, most_resends bigint, next_after bigint, in_step bigint, next_due_at bigint, in_facts text,
  hit_keys bytea[], longests bigint[], mosts bigint[],
  window_keys bytea[], counts bigint[], pers bigint[],
  providers bytea[], processes bytea[], ats bigint[], health_updates bytea[],
  in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  r records%ROWTYPE;
  live_key bytea := (SELECT {v}_live_key(recipient, purpose) FROM records WHERE id = in_id);
  full_place bigint;
  full_wait bigint;
  place bigint;
  letter text;
  new_letter text;
  early bigint;
  begun boolean := false;
BEGIN
  PERFORM {v}_lock(
    hit_keys || live_key
    || CASE WHEN cardinality(providers) > 0 THEN '\x23'::bytea END
    || (SELECT array_agg('\x25'::bytea || tag) FROM unnest(end_tags) AS tag WHERE tag IS NOT NULL)
  );
  SELECT * INTO r FROM records WHERE id = in_id AND ends_at > in_now AND state <> 'g';
  IF FOUND AND live_key IS NULL THEN
    -- It was created before the locks were taken, so its own is not among them.
    RAISE EXCEPTION 'created meanwhile' USING ERRCODE = '{again}';
  END IF;
  PERFORM {v}_learn(providers, processes, ats, health_updates);
  IF r.id IS NULL THEN
    answer.word := 'not_found';
    RETURN answer;
  END IF;
{references}
{ends}
  SELECT f.place, f.wait INTO full_place, full_wait FROM {v}_full(window_keys, counts, pers, in_now) AS f;
  answer.word := {v}_over(r.state, r.expires_at, in_now);
  IF answer.word IS NULL AND (in_step <> coalesce(r.escalations, 0) OR in_step IS NOT NULL AND r.guesses + r.resends > 0) THEN
    answer.word := 'not_due';
  END IF;
  IF answer.word IS NULL AND most_resends IS NOT NULL THEN
    IF r.guesses >= r.max_guesses THEN
      answer.word := 'too_many_guesses';
    ELSIF r.resends >= most_resends THEN
      answer.word := 'too_many';
    ELSIF r.resend_after > in_now THEN
      answer.word := 'too_soon';
      answer.wait := r.resend_after - in_now;
    END IF;
  END IF;
  IF answer.word IS NULL AND full_wait IS NOT NULL THEN
    answer.word := 'limited';
    answer.number := full_place;
    answer.wait := full_wait;
  END IF;
  -- The send attempt was given up before this call arrived.
  IF answer.word IS NULL AND array_position(r.attempt_keys, in_key) IS NOT NULL THEN
    answer.word := 'not_found';
  END IF;
  IF answer.word IS NULL THEN
    answer.word := 'attempt';
    answer.number := length(r.attempt_states);
    r.attempt_states := r.attempt_states || in_letter;
    r.attempt_keys := r.attempt_keys || in_key;
    r.attempt_forms := r.attempt_forms || in_form;
    r.failures := r.failures || in_failure;
    r.vendor_references := r.vendor_references || in_reference;
    r.vendor_terms := r.vendor_terms || in_terms;
    r.deliveries := r.deliveries || in_delivery;
    IF most_resends IS NOT NULL THEN
      r.resends := r.resends + 1;
      r.resend_after := next_after;
      r.due_at := r.due_after_end;
    END IF;
    IF in_step IS NOT NULL THEN
      r.escalations := in_step + 1;
      r.due_at := coalesce(next_due_at, r.due_after_end);
    END IF;
    IF in_facts IS NOT NULL AND r.events IS NOT NULL THEN
      r.events := jsonb_set(r.events::jsonb, ARRAY['f'], to_jsonb(in_facts))::text;
    END IF;
    PERFORM {v}_hit(hit_keys, longests, mosts, in_now);
  END IF;
  -- The ends of the other send attempts are written all the same.
  IF answer.word = 'attempt' OR cardinality(end_places) > 0 OR length(in_skips) > 0 THEN
    UPDATE records SET resends = r.resends, resend_after = r.resend_after,
      due_at = r.due_at, escalations = r.escalations, events = r.events,
      attempt_states = r.attempt_states, attempt_keys = r.attempt_keys,
      attempt_forms = r.attempt_forms, failures = r.failures,
      vendor_references = r.vendor_references, vendor_terms = r.vendor_terms,
      deliveries = r.deliveries, skips = r.skips
    WHERE id = in_id;
  END IF;
  RETURN answer;
END
$$;
