-- Records that send attempts were accepted, one of each record. As everywhere, all locks are taken at
-- once and before anything is read.
CREATE FUNCTION {v}_record_accepted(
  ids bytea[], places integer[], in_references bytea[], in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
BEGIN
  PERFORM {v}_lock((
    SELECT array_agg({v}_live_key(recipient, purpose)) FROM records WHERE id = ANY (ids)
  ));
  FOR i IN 1 .. cardinality(ids) LOOP
    UPDATE records SET
      attempt_states = overlay(attempt_states PLACING
        CASE WHEN letter = upper(letter) THEN 'A' ELSE 'a' END FROM place FOR 1),
      failures[place] = NULL,
      vendor_references[place] = coalesce(in_references[i], vendor_references[place])
    FROM (
      SELECT r.id AS found, places[i] + 1 AS place, substr(r.attempt_states, places[i] + 1, 1) AS letter
      FROM records AS r
      WHERE r.id = ids[i] AND r.ends_at > in_now AND r.state <> 'g'
        AND places[i] < length(r.attempt_states)
    ) AS attempt
    WHERE id = attempt.found;
  END LOOP;
  answer.word := 'done';
  RETURN answer;
END
$$;
