-- Merges the mark of a delivery into a send attempt: the one at `in_place` of the record, or the one
-- that the tag finds. A mark whose tag finds nothing is kept for a minute: the reference may still
-- come.
CREATE FUNCTION {v}_receive(in_id bytea, in_place integer, in_tag bytea, mark bigint, in_now bigint) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  r records%ROWTYPE;
  wanted bytea := in_id;
  place integer := in_place;
  letter text;
  live_key bytea;
BEGIN
  answer.word := 'gone';
  IF in_tag IS NOT NULL THEN
    SELECT found.record, found.place INTO wanted, place FROM attempt_references AS found WHERE tag = in_tag;
  END IF;
  SELECT {v}_live_key(recipient, purpose) INTO live_key FROM records WHERE id = wanted;
  IF NOT FOUND AND in_tag IS NULL THEN
    RETURN answer;
  END IF;
  PERFORM {v}_lock(ARRAY[live_key, '\x25'::bytea || in_tag]);
  IF in_tag IS NOT NULL THEN
    SELECT found.record, found.place INTO wanted, place FROM attempt_references AS found WHERE tag = in_tag;
    IF live_key IS DISTINCT FROM (SELECT {v}_live_key(recipient, purpose) FROM records WHERE id = wanted) THEN
      -- The reference came, or went, before the locks were taken.
      RAISE EXCEPTION 'changed meanwhile' USING ERRCODE = '{again}';
    END IF;
  END IF;
  SELECT * INTO r FROM records WHERE id = wanted AND ends_at > in_now AND state <> 'g';
  IF NOT FOUND THEN
    IF in_tag IS NOT NULL THEN
      INSERT INTO early_receipts AS known (tag, mark, ends_at)
      VALUES (in_tag, mark, in_now + {early_receipt})
      ON CONFLICT (tag) DO UPDATE SET ends_at = excluded.ends_at, mark = CASE
        WHEN known.ends_at > in_now THEN greatest(known.mark, excluded.mark) ELSE excluded.mark
      END;
    END IF;
    RETURN answer;
  END IF;
  IF place >= length(r.attempt_states) THEN
    RETURN answer;
  END IF;
  answer.number := place;
  place := place + 1;
  answer.wait := r.deliveries[place];
  IF answer.wait >= mark THEN
    answer.word := 'same';
    answer.number := NULL;
    answer.wait := NULL;
    RETURN answer;
  END IF;
  IF r.events IS NOT NULL AND {v}_has_failed(mark) AND NOT {v}_has_failed(r.deliveries[place]) THEN
    PERFORM {v}_happened(r.id, r.events, 'd', place - 1, {v}_delivery_word(mark), in_now);
  END IF;
  r.deliveries[place] := mark;
  letter := translate(substr(r.attempt_states, place, 1), 'iuIU', 'aaAA');
  r.attempt_states := overlay(r.attempt_states PLACING letter FROM place FOR 1);
  UPDATE records SET deliveries = r.deliveries, attempt_states = r.attempt_states WHERE id = r.id;
  answer.word := 'changed';
  answer.record := {v}_bytes(r);
  RETURN answer;
END
$$;
