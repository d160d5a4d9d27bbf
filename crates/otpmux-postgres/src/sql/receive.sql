-- Merges the mark of a delivery into a send attempt: the one at `in_place` of the record, or the one
-- that the tag finds.
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
  IF NOT FOUND THEN
    RETURN answer;
  END IF;
  PERFORM {v}_lock(ARRAY[live_key]);
  SELECT * INTO r FROM records WHERE id = wanted AND ends_at > in_now AND state <> 'g';
  IF NOT FOUND OR place >= length(r.attempt_states) THEN
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
  r.deliveries[place] := mark;
  letter := translate(substr(r.attempt_states, place, 1), 'iuIU', 'aaAA');
  r.attempt_states := overlay(r.attempt_states PLACING letter FROM place FOR 1);
  UPDATE records SET deliveries = r.deliveries, attempt_states = r.attempt_states WHERE id = r.id;
  answer.word := 'changed';
  answer.record := {v}_bytes(r);
  RETURN answer;
END
$$;
