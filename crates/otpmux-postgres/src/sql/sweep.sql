-- Removes what is over: at most `in_most` rows of records, of limits and of early receipts, oldest first. Waits for no
-- lock: what another call uses just now stays until a later sweep. Returns how many there were.
CREATE FUNCTION {v}_sweep(in_now bigint, in_most bigint) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  r record;
  l limits%ROWTYPE;
  newest_at bigint;
  left_over bigint;
BEGIN
  answer.word := 'swept';
  answer.number := 0;
  FOR r IN
    SELECT id, recipient, purpose, external_id, request_name FROM records
    WHERE ends_at <= in_now ORDER BY ends_at LIMIT in_most
  LOOP
    CONTINUE WHEN NOT pg_try_advisory_xact_lock({v}_lock_of('\x22'::bytea || r.id));
    CONTINUE WHEN NOT pg_try_advisory_xact_lock({v}_lock_of({v}_live_key(r.recipient, r.purpose)));
    IF r.request_name IS NOT NULL THEN
      CONTINUE WHEN NOT pg_try_advisory_xact_lock({v}_lock_of('\x21'::bytea || r.request_name));
      DELETE FROM requests WHERE name = r.request_name AND id = r.id;
    END IF;
    IF r.external_id IS NOT NULL THEN
      CONTINUE WHEN NOT pg_try_advisory_xact_lock({v}_lock_of('\x24'::bytea || r.external_id));
    END IF;
    -- Its id may have been taken again meanwhile.
    DELETE FROM records WHERE id = r.id AND ends_at <= in_now;
    CONTINUE WHEN NOT FOUND;
    DELETE FROM guesses WHERE record = r.id;
    DELETE FROM attempt_references WHERE record = r.id;
    DELETE FROM externals WHERE tag = r.external_id AND id = r.id;
    DELETE FROM live WHERE key = {v}_live_key(r.recipient, r.purpose) AND id = r.id;
    answer.number := answer.number + 1;
  END LOOP;
  FOR r IN SELECT key FROM limits WHERE turn_at <= in_now ORDER BY turn_at LIMIT in_most LOOP
    CONTINUE WHEN NOT pg_try_advisory_xact_lock({v}_lock_of(r.key));
    SELECT * INTO l FROM limits WHERE key = r.key AND turn_at <= in_now;
    CONTINUE WHEN NOT FOUND;
    answer.number := answer.number + 1;
    IF l.newest IS NULL THEN
      newest_at := l.times[1];
    ELSE
      -- Only from the oldest on, whatever the clocks showed: their numbers must have no gap.
      DELETE FROM hits WHERE key = l.key AND seq < coalesce((
        SELECT young.seq FROM (
          SELECT h.seq, h.at FROM hits AS h WHERE h.key = l.key ORDER BY h.seq LIMIT {hits_swept}
        ) AS young WHERE young.at + l.longest > in_now ORDER BY young.seq LIMIT 1
      ), (
        SELECT max(old.seq) + 1 FROM (
          SELECT h.seq FROM hits AS h WHERE h.key = l.key ORDER BY h.seq LIMIT {hits_swept}
        ) AS old
      ));
      SELECT at INTO newest_at FROM hits WHERE key = l.key AND seq = l.newest;
      IF NOT FOUND THEN
        newest_at := NULL;
      END IF;
    END IF;
    IF newest_at IS NULL THEN
      DELETE FROM limits WHERE key = l.key;
    ELSIF newest_at + l.longest <= in_now AND l.newest IS NULL THEN
      DELETE FROM limits WHERE key = l.key;
    ELSIF newest_at + l.longest <= in_now THEN
      -- Its older hits went; the rest goes with the next sweep.
      CONTINUE;
    ELSE
      IF l.newest IS NULL AND cardinality(l.times) > {array} THEN
        left_over := cardinality(l.times);
        INSERT INTO hits (key, seq, at)
        SELECT l.key, left_over - it.place + 1, it.at FROM unnest(l.times) WITH ORDINALITY AS it(at, place);
        UPDATE limits SET newest = left_over, times = '{}', turn_at = newest_at + l.longest WHERE key = l.key;
      ELSE
        UPDATE limits SET turn_at = newest_at + l.longest WHERE key = l.key;
      END IF;
    END IF;
  END LOOP;
  FOR r IN SELECT tag FROM early_receipts WHERE ends_at <= in_now ORDER BY ends_at LIMIT in_most LOOP
    CONTINUE WHEN NOT pg_try_advisory_xact_lock({v}_lock_of('\x25'::bytea || r.tag));
    DELETE FROM early_receipts WHERE tag = r.tag AND ends_at <= in_now;
    IF FOUND THEN
      answer.number := answer.number + 1;
    END IF;
  END LOOP;
  DELETE FROM held_events WHERE key IN (
    SELECT key FROM held_events WHERE ends_at <= in_now LIMIT in_most FOR UPDATE SKIP LOCKED
  );
  IF EXISTS (SELECT FROM health WHERE at <= in_now - {health_ttl}) AND pg_try_advisory_xact_lock({v}_lock_of('\x23')) THEN
    DELETE FROM health WHERE at <= in_now - {health_ttl};
  END IF;
  RETURN answer;
END
$$;
