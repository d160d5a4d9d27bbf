-- The outbox: events that wait, one row for each endpoint.

-- Writes an event that a step has made true. `terms` says which endpoints get which types, by their
-- letters, and what every event of the record says.
CREATE FUNCTION {v}_happened(
  about bytea, terms text, letter text, place bigint, why text, in_now bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO outbox (endpoint, id, at, facts, reason, tries, due_at)
  SELECT w.want ->> 0, encode(about, 'hex') || '-' || letter || coalesce(place::text, ''),
    in_now, terms::jsonb ->> 'f', why, 0, in_now
  FROM jsonb_array_elements(terms::jsonb -> 'w') AS w(want)
  WHERE strpos(w.want ->> 1, letter) > 0
  ON CONFLICT (endpoint, id) DO NOTHING;
END
$$;

-- Whether a mark says that a message certainly did not arrive: a final `expired` or `failed`.
CREATE FUNCTION {v}_has_failed(mark bigint) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(mark / 10000000000000 IN (9, 10), false)
$$;

CREATE FUNCTION {v}_delivery_word(mark bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE mark / 10000000000000 WHEN 9 THEN 'expired' ELSE 'failed' END
$$;

-- An entry as the client reads it.
CREATE FUNCTION {v}_entry(o outbox) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT convert_to(json_build_object('endpoint', o.endpoint, 'id', o.id, 'at', o.at, 'facts', o.facts,
    'reason', o.reason, 'tries', o.tries, 'due_at', o.due_at)::text, 'UTF8')
$$;

-- The state of an endpoint, as the client reads it.
CREATE FUNCTION {v}_status(
  endpoint text, state text, failing_since bigint, waiting bigint
) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT convert_to(json_build_object('endpoint', endpoint, 'state', state, 'failing_since', failing_since,
    'waiting', waiting)::text, 'UTF8')
$$;

-- Writes an event that no step on a record makes true, unless its key is held.
CREATE FUNCTION {v}_put_event(
  in_endpoints text[], in_id text, in_facts text, in_reason text,
  in_key bytea, in_until bigint, in_releases bytea, in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
BEGIN
  answer.word := 'held';
  PERFORM {v}_lock(ARRAY['\x26'::bytea || in_key, '\x26'::bytea || in_releases]);
  IF in_key IS NOT NULL THEN
    INSERT INTO held_events AS h (key, ends_at) VALUES (in_key, in_until)
    ON CONFLICT (key) DO UPDATE SET ends_at = excluded.ends_at WHERE h.ends_at <= in_now;
    IF NOT FOUND THEN
      RETURN answer;
    END IF;
    DELETE FROM held_events WHERE key = in_releases;
  END IF;
  INSERT INTO outbox (endpoint, id, at, facts, reason, tries, due_at)
  SELECT it, in_id, in_now, in_facts, in_reason, 0, in_now FROM unnest(in_endpoints) AS it
  ON CONFLICT (endpoint, id) DO NOTHING;
  answer.word := 'written';
  RETURN answer;
END
$$;

-- Takes due events, of each endpoint at most so many, and moves them to `in_until`. What another call
-- takes just now is passed over. Drops the oldest beyond the most that may wait.
CREATE FUNCTION {v}_events_due(
  in_endpoints text[], in_mosts bigint[], in_until bigint, in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  entry bytea;
  dropped bigint;
BEGIN
  answer.word := 'events';
  answer.updates := '{}';
  answer.number := 0;
  FOR i IN 1 .. cardinality(in_endpoints) LOOP
    IF EXISTS (SELECT FROM outbox WHERE endpoint = in_endpoints[i] ORDER BY at, id OFFSET {most_events} LIMIT 1) THEN
      DELETE FROM outbox WHERE endpoint = in_endpoints[i] AND id IN (
        SELECT o.id FROM outbox AS o WHERE o.endpoint = in_endpoints[i]
        ORDER BY o.at DESC, o.id DESC OFFSET {most_events} FOR UPDATE SKIP LOCKED
      );
      GET DIAGNOSTICS dropped = ROW_COUNT;
      answer.number := answer.number + dropped;
    END IF;
    CONTINUE WHEN EXISTS (SELECT FROM endpoints WHERE name = in_endpoints[i] AND state <> 'on');
    FOR entry IN
      WITH taken AS (
        SELECT o.endpoint, o.id, o.due_at FROM outbox AS o
        WHERE o.endpoint = in_endpoints[i] AND o.due_at <= in_now
        ORDER BY o.due_at, o.id LIMIT in_mosts[i] FOR UPDATE SKIP LOCKED
      ), moved AS (
        UPDATE outbox AS o SET due_at = in_until FROM taken
        WHERE o.endpoint = taken.endpoint AND o.id = taken.id
        RETURNING {v}_entry(o) AS entry, taken.due_at AS was, o.id AS id
      )
      SELECT moved.entry FROM moved ORDER BY moved.was, moved.id
    LOOP
      answer.updates := answer.updates || entry;
    END LOOP;
  END LOOP;
  RETURN answer;
END
$$;

-- Records what became of events, in their order: `d` delivered, `x` dropped, `f` failed, `a` again. Returns how
-- many were there, and the states of their endpoints. It locks all their rows first, in one order.
CREATE FUNCTION {v}_end_events(
  in_endpoints text[], in_ids text[], in_ends text[], in_ats bigint[], in_now bigint
) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
BEGIN
  answer.word := 'ended';
  answer.number := 0;
  PERFORM FROM outbox AS o
  WHERE (o.endpoint, o.id) IN (SELECT * FROM unnest(in_endpoints, in_ids))
  ORDER BY o.endpoint, o.id FOR UPDATE;
  PERFORM FROM endpoints AS e WHERE e.name = ANY (in_endpoints) ORDER BY e.name FOR UPDATE;
  FOR i IN 1 .. cardinality(in_ids) LOOP
    IF in_ends[i] IN ('d', 'x') THEN
      DELETE FROM outbox WHERE endpoint = in_endpoints[i] AND id = in_ids[i];
    ELSE
      UPDATE outbox SET due_at = in_ats[i], tries = tries + (in_ends[i] = 'f')::integer
      WHERE endpoint = in_endpoints[i] AND id = in_ids[i];
    END IF;
    IF FOUND THEN
      answer.number := answer.number + 1;
      IF in_ends[i] = 'f' THEN
        INSERT INTO endpoints AS e (name, state, failing_since) VALUES (in_endpoints[i], 'on', in_now)
        ON CONFLICT (name) DO UPDATE SET failing_since = excluded.failing_since WHERE e.failing_since IS NULL;
      END IF;
    END IF;
    IF in_ends[i] = 'd' THEN
      UPDATE endpoints SET failing_since = NULL WHERE name = in_endpoints[i] AND failing_since IS NOT NULL;
    END IF;
  END LOOP;
  answer.updates := ARRAY(
    SELECT {v}_status(e.name, e.state, e.failing_since, 0) FROM endpoints AS e WHERE e.name = ANY (in_endpoints)
  );
  RETURN answer;
END
$$;

CREATE FUNCTION {v}_events_waiting(in_endpoint text, in_most bigint) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
BEGIN
  answer.word := 'events';
  answer.updates := ARRAY(
    SELECT {v}_entry(o) FROM outbox AS o WHERE o.endpoint = in_endpoint ORDER BY o.at, o.id LIMIT in_most
  );
  RETURN answer;
END
$$;

CREATE FUNCTION {v}_endpoints(in_endpoints text[]) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
BEGIN
  answer.word := 'endpoints';
  answer.updates := ARRAY(
    SELECT {v}_status(n.name, coalesce(e.state, 'on'), e.failing_since,
      (SELECT count(*) FROM outbox AS o WHERE o.endpoint = n.name))
    FROM unnest(in_endpoints) WITH ORDINALITY AS n(name, place) LEFT JOIN endpoints AS e ON e.name = n.name
    ORDER BY n.place
  );
  RETURN answer;
END
$$;

CREATE FUNCTION {v}_set_endpoint(in_endpoint text, in_state text) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
BEGIN
  answer.word := 'done';
  INSERT INTO endpoints AS e (name, state) VALUES (in_endpoint, in_state)
  ON CONFLICT (name) DO UPDATE SET state = excluded.state,
    failing_since = CASE excluded.state WHEN 'on' THEN NULL ELSE e.failing_since END;
  RETURN answer;
END
$$;
