-- Steps that only read. A replica may be behind, so none of them answers there.
CREATE FUNCTION {v}_on_primary() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'a replica' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
END
$$;

CREATE FUNCTION {v}_load(in_id bytea, in_now bigint) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
  r records%ROWTYPE;
BEGIN
  PERFORM {v}_on_primary();
  answer.word := 'none';
  SELECT * INTO r FROM records WHERE id = in_id AND ends_at > in_now AND state <> 'g';
  IF FOUND THEN
    answer.word := 'record';
    answer.record := {v}_bytes(r);
  END IF;
  RETURN answer;
END
$$;

CREATE FUNCTION {v}_health(in_now bigint) RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
BEGIN
  PERFORM {v}_on_primary();
  answer.word := 'updates';
  answer.updates := {v}_updates(in_now);
  RETURN answer;
END
$$;

-- The server's clock, in milliseconds since 1970.
CREATE FUNCTION {v}_time() RETURNS {v}_answer {step} AS $$
DECLARE
  answer {v}_answer;
BEGIN
  PERFORM {v}_on_primary();
  answer.word := 'time';
  answer.number := floor(extract(epoch FROM clock_timestamp()) * 1000);
  RETURN answer;
END
$$;
