-- Records ends of send attempts. A lost step is a creation, which stays forbidden until
-- `lost_until`, or the send attempt with `lost_key`.
CREATE FUNCTION {v}_record_outcome(
  in_id bytea, end_places integer[], end_states text[], end_failures text[],
  end_references bytea[], end_terms text[], end_tags bytea[], in_skips bytea,
  in_close boolean, refund_keys bytea[], refund_ats bigint[], lost_until bigint,
  lost_letter text, lost_key bytea, lost_form bytea, lost_failure text, lost_reference bytea,
  lost_terms text, lost_delivery bigint, unconfirmed_place bigint, unconfirmed_reason text,
  providers bytea[], processes bytea[], ats bigint[], health_updates bytea[],
  in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  r records%ROWTYPE;
  live_key bytea := (SELECT {v}_live_key(recipient, purpose) FROM records WHERE id = in_id);
  place bigint;
  letter text;
  new_letter text;
  early bigint;
  begun boolean := false;
BEGIN
  PERFORM {v}_lock(
    refund_keys || live_key
    || CASE WHEN cardinality(providers) > 0 THEN '\x23'::bytea END
    || (SELECT array_agg('\x25'::bytea || tag) FROM unnest(end_tags) AS tag WHERE tag IS NOT NULL)
    || CASE WHEN lost_until IS NOT NULL THEN '\x22'::bytea || in_id END
  );
  SELECT * INTO r FROM records WHERE id = in_id AND ends_at > in_now AND state <> 'g';
  IF FOUND AND live_key IS NULL THEN
    -- It was created before the locks were taken, so its own is not among them.
    RAISE EXCEPTION 'created meanwhile' USING ERRCODE = '{again}';
  END IF;
  PERFORM {v}_learn(providers, processes, ats, health_updates);
  IF r.id IS NULL THEN
    IF lost_until IS NOT NULL THEN
      INSERT INTO records (
        id, recipient, purpose, state, ends_at, expires_at, guesses, max_guesses, resends,
        resend_after, rest, attempt_states, attempt_keys, attempt_forms, failures,
        vendor_references, vendor_terms, deliveries, skips
      ) VALUES (
        in_id, '', '', 'g', lost_until, 0, 0, 0, 0, 0, '', '', '{}', '{}', '{}', '{}', '{}', '{}', ''
      ) ON CONFLICT (id) DO NOTHING;
    END IF;
    answer.word := 'c';
    RETURN answer;
  END IF;
{references}
{ends}
  IF lost_key IS NOT NULL THEN
    place := array_position(r.attempt_keys, lost_key);
    IF place IS NULL THEN
      place := length(r.attempt_states) + 1;
      r.attempt_states := r.attempt_states || 'n';
      letter := 'i';
    ELSE
      letter := substr(r.attempt_states, place::integer, 1);
      begun := begun OR letter IN ('i', 'I');
    END IF;
    IF letter IN ('i', 'I') THEN
      r.attempt_states := overlay(r.attempt_states PLACING lost_letter FROM place::integer FOR 1);
      r.attempt_keys[place] := lost_key;
      r.attempt_forms[place] := lost_form;
      r.failures[place] := lost_failure;
      r.vendor_references[place] := lost_reference;
      r.vendor_terms[place] := lost_terms;
      r.deliveries[place] := lost_delivery;
    END IF;
  END IF;
  IF in_close AND r.state IN ('p', 's') AND r.attempt_states !~ '[IAUiau]' THEN
    r.state := 'c';
    r.due_at := r.due_after_end;
    IF r.events IS NOT NULL THEN
      PERFORM {v}_happened(in_id, r.events, 'f', NULL, 'not_sent', in_now);
    END IF;
  END IF;
  IF r.events IS NOT NULL AND unconfirmed_place IS NOT NULL THEN
    PERFORM {v}_happened(in_id, r.events, 'u', unconfirmed_place, unconfirmed_reason, in_now);
  END IF;
  UPDATE records SET state = r.state, due_at = r.due_at, attempt_states = r.attempt_states,
    attempt_keys = r.attempt_keys, attempt_forms = r.attempt_forms, failures = r.failures,
    vendor_references = r.vendor_references, vendor_terms = r.vendor_terms,
    deliveries = r.deliveries, skips = r.skips
  WHERE id = in_id;
  -- A delivery, whose id is odd, has taken no place.
  IF in_close AND get_byte(in_id, 15) & 1 = 0 AND {v}_failed(r.state, r.attempt_states) THEN
    PERFORM {v}_uncover(live_key, in_now);
  END IF;
  -- A repeat takes nothing back.
  IF begun OR cardinality(end_places) = 0 AND lost_key IS NULL THEN
    FOR i IN 1 .. cardinality(refund_keys) LOOP
      PERFORM {v}_take_back(refund_keys[i], refund_ats[i]);
    END LOOP;
  END IF;
  answer.word := r.state;
  RETURN answer;
END
$$;
