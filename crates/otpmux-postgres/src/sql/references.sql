  -- References, and the receipts that came before them, as if they came just before this step.
  IF num_nulls(VARIADIC end_tags) < cardinality(end_tags) THEN
    FOR i IN 1 .. cardinality(end_tags) LOOP
      place := end_places[i] + 1;
      CONTINUE WHEN place > length(r.attempt_states);
      SELECT e.mark INTO early FROM early_receipts AS e WHERE e.tag = end_tags[i] AND e.ends_at > in_now;
      IF FOUND AND early > coalesce(r.deliveries[place], 0) THEN
        IF r.events IS NOT NULL AND {v}_has_failed(early) AND NOT {v}_has_failed(r.deliveries[place]) THEN
          PERFORM {v}_happened(r.id, r.events, 'd', place - 1, {v}_delivery_word(early), in_now);
        END IF;
        r.deliveries[place] := early;
        letter := translate(substr(r.attempt_states, place::integer, 1), 'iuIU', 'aaAA');
        r.attempt_states := overlay(r.attempt_states PLACING letter FROM place::integer FOR 1);
      END IF;
    END LOOP;
    DELETE FROM early_receipts AS e USING unnest(end_tags, end_places) AS t(tag, place)
    WHERE e.tag = t.tag AND t.place < length(r.attempt_states);
    INSERT INTO attempt_references (tag, record, place)
    SELECT DISTINCT ON (e.tag) e.tag, r.id, e.place
    FROM unnest(end_tags, end_places) WITH ORDINALITY AS e(tag, place, turn)
    WHERE e.tag IS NOT NULL AND e.place < length(r.attempt_states)
    ORDER BY e.tag, e.turn DESC
    ON CONFLICT (tag) DO UPDATE SET record = excluded.record, place = excluded.place;
  END IF;
