-- The first value of an id is kept for good. Returns the ids whose values differ. Writes nothing when
-- all are known.
CREATE FUNCTION {v}_check_keys(ids bytea[], key_values bytea[]) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
BEGIN
  PERFORM {v}_on_primary();
  IF EXISTS (SELECT FROM unnest(ids) AS it(id) WHERE NOT EXISTS (SELECT FROM server_keys WHERE server_keys.id = it.id)) THEN
    -- In order, since no lock orders them.
    INSERT INTO server_keys (id, value)
    SELECT it.id, it.value FROM unnest(ids, key_values) AS it(id, value) ORDER BY it.id
    ON CONFLICT (id) DO NOTHING;
  END IF;
  answer.word := 'keys';
  answer.updates := coalesce((
    SELECT array_agg(it.id) FROM unnest(ids, key_values) AS it(id, value)
    JOIN server_keys ON server_keys.id = it.id WHERE server_keys.value <> it.value
  ), '{}');
  RETURN answer;
END
$$;

-- A write like that of a step: a server that refuses those refuses this.
CREATE FUNCTION {v}_probe(in_now bigint) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
BEGIN
  INSERT INTO probe AS p (number, at) VALUES (1, in_now) ON CONFLICT (number) DO UPDATE SET at = in_now;
  answer.word := 'written';
  RETURN answer;
END
$$;
