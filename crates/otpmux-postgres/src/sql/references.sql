  -- In order, since no lock orders them.
  INSERT INTO attempt_references (tag, record, place)
  SELECT DISTINCT ON (e.tag) e.tag, r.id, e.place
  FROM unnest(end_tags, end_places) WITH ORDINALITY AS e(tag, place, turn)
  WHERE e.tag IS NOT NULL AND e.place < length(r.attempt_states)
  ORDER BY e.tag, e.turn DESC
  ON CONFLICT (tag) DO UPDATE SET record = excluded.record, place = excluded.place;
