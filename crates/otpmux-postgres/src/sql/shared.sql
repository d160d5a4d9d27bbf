-- Parts of the steps.
--
-- A step is one function, called by one statement, which is one transaction.
--
-- Invariant of every step that writes: it takes all its locks at once, in ascending order of their
-- numbers, before it reads what it changes (`{v}_lock`). They are advisory locks that end with the
-- transaction, so what does not exist yet is locked too. A record is locked by its recipient and
-- purpose, which never change, so the records of one recipient and purpose have one lock. A row is
-- written only under the lock of its key; so no step waits for another one with a row, and no two
-- wait for each other. Where there is no such lock (server keys, the probe), rows are
-- written last and in order of their keys.

CREATE TYPE {v}_answer AS (
  word text,
  id bytea,
  number bigint,
  wait bigint,
  updates bytea[],
  record bytea
);

CREATE FUNCTION {v}_lock_of(key bytea) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT hashtextextended(encode(key, 'hex'), {seed})
$$;

-- Every statement after this one sees what earlier holders of the locks have committed.
CREATE FUNCTION {v}_lock(keys bytea[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(sorted.number) FROM (
    SELECT DISTINCT {v}_lock_of(key) AS number FROM unnest(keys) AS key ORDER BY 1
  ) AS sorted;
END
$$;

CREATE FUNCTION {v}_live_key(recipient bytea, purpose bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT '\x20'::bytea || substr(recipient, 1, 16) || purpose
$$;

CREATE FUNCTION {v}_guess_key(scope bytea, recipient bytea, who bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT scope || substr(recipient, 1, 8) || who
$$;

-- Why no code is valid for a record at this time, if none is.
CREATE FUNCTION {v}_over(state text, expires_at bigint, in_now bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN state = 'p' THEN CASE WHEN in_now >= expires_at THEN 'expired' END
    WHEN state = 'a' THEN 'already_used'
    ELSE 'not_found'
  END
$$;

-- Whether it is over without having sent anything.
CREATE FUNCTION {v}_failed(state text, attempt_states text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT state = 'c' AND attempt_states !~ '[IAUiau]'
$$;

-- A record as bytes: its columns in the form in which the server sends them.
CREATE FUNCTION {v}_bytes(r records) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN record_send(ROW(r.id, r.recipient, r.purpose, r.state, r.expires_at, r.guesses,
    r.max_guesses, r.resends, r.resend_after, r.supersedes, r.code_key, r.code_by_id,
    r.code_by_recipient, r.code_by_external, r.external_id, r.request_name, r.request_content, r.rest, r.attempt_states, r.attempt_forms, r.failures,
    r.vendor_references, r.vendor_terms, r.deliveries, r.skips, r.due_at, r.due_after_end, r.escalations, r.events));
END
$$;

-- The window without room that has the longest wait: its index among these, and the wait. A window
-- of `count` in `per` has room when the hit that is `count` back is older than `per`.
CREATE FUNCTION {v}_full(
  keys bytea[], counts bigint[], pers bigint[], in_now bigint, OUT place bigint, OUT wait bigint
) LANGUAGE plpgsql AS $$
BEGIN
  IF cardinality(keys) = 0 THEN
    RETURN;
  END IF;
  SELECT w.place - 1, hit.at + w.per - in_now INTO place, wait
  FROM unnest(keys, counts, pers) WITH ORDINALITY AS w(key, count, per, place)
  CROSS JOIN LATERAL (SELECT * FROM limits WHERE limits.key = w.key OFFSET 0) AS l
  CROSS JOIN LATERAL (SELECT CASE
    WHEN l.newest IS NULL THEN l.times[least(w.count, 1000000)::integer]
    ELSE (SELECT hits.at FROM hits WHERE hits.key = w.key AND seq = l.newest - w.count + 1)
  END AS at) AS hit
  WHERE hit.at + w.per > in_now
  ORDER BY hit.at + w.per DESC, w.place DESC
  LIMIT 1;
END
$$;

CREATE FUNCTION {v}_hit(keys bytea[], longests bigint[], mosts bigint[], in_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  counted record;
BEGIN
  FOR counted IN
    INSERT INTO limits AS l (key, turn_at, longest, most, newest, times)
    SELECT k.key, in_now + k.longest, k.longest, k.most,
      CASE WHEN k.most > {array} THEN 1 END,
      CASE WHEN k.most > {array} THEN '{}' ELSE ARRAY[in_now] END
    FROM unnest(keys, longests, mosts) AS k(key, longest, most)
    ON CONFLICT (key) DO UPDATE SET longest = excluded.longest, most = excluded.most,
      newest = l.newest + 1,
      times = CASE
        WHEN l.newest IS NULL THEN (in_now || l.times)[1:least(excluded.most, 1000000)::integer]
        ELSE l.times
      END
    RETURNING l.key, l.newest, l.most
  LOOP
    IF counted.newest IS NOT NULL THEN
      INSERT INTO hits (key, seq, at) VALUES (counted.key, counted.newest, in_now);
      DELETE FROM hits WHERE hits.key = counted.key AND seq <= counted.newest - counted.most;
    END IF;
  END LOOP;
END
$$;

-- Removes the newest hit of a time, if there is one, and closes the gap.
CREATE FUNCTION {v}_take_back(in_key bytea, in_at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  l limits%ROWTYPE;
  place bigint;
BEGIN
  SELECT * INTO l FROM limits WHERE key = in_key;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF l.newest IS NULL THEN
    place := array_position(l.times, in_at);
    IF place IS NOT NULL THEN
      UPDATE limits SET times = l.times[1:place - 1] || l.times[place + 1:] WHERE key = in_key;
    END IF;
    RETURN;
  END IF;
  SELECT seq INTO place FROM hits WHERE key = in_key AND at = in_at ORDER BY seq DESC LIMIT 1;
  IF place IS NOT NULL THEN
    UPDATE hits SET at = (
      SELECT later.at FROM hits AS later WHERE later.key = in_key AND later.seq = hits.seq + 1
    ) WHERE key = in_key AND seq >= place AND seq < l.newest;
    DELETE FROM hits WHERE key = in_key AND seq = l.newest;
    UPDATE limits SET newest = l.newest - 1 WHERE key = in_key;
  END IF;
END
$$;

CREATE FUNCTION {v}_clear(in_key bytea) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  number bigint;
BEGIN
  DELETE FROM limits WHERE key = in_key RETURNING newest INTO number;
  IF number IS NOT NULL THEN
    DELETE FROM hits WHERE key = in_key;
  END IF;
END
$$;

-- Writes the health updates of a process; for each provider and process the newest counts.
CREATE FUNCTION {v}_learn(providers bytea[], processes bytea[], ats bigint[], health_updates bytea[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. cardinality(providers) LOOP
    INSERT INTO health AS h (provider, process, at, health_update)
    VALUES (providers[i], processes[i], ats[i], health_updates[i])
    ON CONFLICT (provider, process)
    DO UPDATE SET at = excluded.at, health_update = excluded.health_update WHERE h.at <= excluded.at;
    DELETE FROM health WHERE provider = providers[i] AND process NOT IN (
      SELECT kept.process FROM health AS kept WHERE kept.provider = providers[i]
      ORDER BY kept.at DESC, kept.process DESC LIMIT {updates_kept}
    );
  END LOOP;
END
$$;

CREATE FUNCTION {v}_updates(in_now bigint) RETURNS bytea[] LANGUAGE plpgsql AS $$
BEGIN
  RETURN coalesce(
    (SELECT array_agg(health_update ORDER BY provider, process) FROM health WHERE at > in_now - {health_ttl}),
    '{}'
  );
END
$$;

CREATE FUNCTION {v}_keep_guess(
  in_record bytea, in_name bytea, in_content bytea, in_state text, in_number bigint, in_counted_at bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO guesses (name, record, content, state, number, counted_at)
  VALUES (in_name, in_record, in_content, in_state, in_number, in_counted_at)
  ON CONFLICT (name) DO UPDATE SET record = excluded.record, content = excluded.content, state = excluded.state,
    number = excluded.number, counted_at = excluded.counted_at;
END
$$;

-- The verification that a guess was counted at under its name before, or else the one that it selects:
-- by its id, as the newest of a recipient and purpose, or by its external id. If values under several
-- server keys select one, the one that expires last is meant, and of several the first. One that has
-- failed has released its external id.
CREATE FUNCTION {v}_select(
  in_id bytea, live_keys bytea[], external_tags bytea[], in_name bytea, in_now bigint
) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
  found_id bytea;
BEGIN
  IF in_name IS NOT NULL THEN
    SELECT r.id INTO found_id FROM records AS r
    WHERE r.id = (SELECT record FROM guesses WHERE name = in_name) AND r.ends_at > in_now AND r.state <> 'g';
    IF FOUND THEN
      RETURN found_id;
    END IF;
  END IF;
  IF in_id IS NOT NULL THEN
    RETURN in_id;
  END IF;
  SELECT r.id INTO found_id
  FROM (
    SELECT w.place, (SELECT live.id FROM live WHERE live.key = w.key) AS id
    FROM unnest(live_keys) WITH ORDINALITY AS w(key, place)
    UNION ALL
    SELECT w.place, (SELECT externals.id FROM externals WHERE externals.tag = w.tag)
    FROM unnest(external_tags) WITH ORDINALITY AS w(tag, place)
  ) AS found
  CROSS JOIN LATERAL (
    SELECT * FROM records WHERE records.id = found.id AND ends_at > in_now AND state <> 'g' OFFSET 0
  ) AS r
  WHERE external_tags IS NULL OR NOT {v}_failed(r.state, r.attempt_states)
  ORDER BY r.expires_at DESC, found.place
  LIMIT 1;
  RETURN found_id;
END
$$;

-- Restores an older verification of a recipient and purpose after a newer one has failed: from the
-- newest one on, each that has failed gives its place back to the one that it had superseded.
CREATE FUNCTION {v}_uncover(in_key bytea, in_now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  looking bytea := (SELECT id FROM live WHERE key = in_key);
  looks integer := {looks_behind};
  its_state text;
  its_attempts text;
  following bytea;
BEGIN
  WHILE looking IS NOT NULL LOOP
    SELECT state, attempt_states, supersedes INTO its_state, its_attempts, following
    FROM records WHERE id = looking AND ends_at > in_now AND state <> 'g';
    IF NOT FOUND THEN
      looking := NULL;
      EXIT;
    END IF;
    EXIT WHEN looks = 0 OR NOT {v}_failed(its_state, its_attempts);
    looks := looks - 1;
    looking := following;
  END LOOP;
  IF looking IS NULL THEN
    DELETE FROM live WHERE key = in_key;
  ELSE
    UPDATE live SET id = looking WHERE key = in_key AND id <> looking;
    UPDATE records SET state = 'p' WHERE id = looking AND state = 's';
  END IF;
END
$$;
