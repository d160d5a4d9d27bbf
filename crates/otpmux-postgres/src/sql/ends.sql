  -- Ends of send attempts. An unknown send attempt is no error. Reference and terms remain until
  -- there are newer ones. A send attempt whose delivery was reported is accepted, also if its own
  -- answer was lost. `begun` is whether one of them had no end before.
  FOR i IN 1 .. cardinality(end_places) LOOP
    place := end_places[i] + 1;
    letter := substr(r.attempt_states, place::integer, 1);
    IF place > length(r.attempt_states) THEN
      CONTINUE;
    END IF;
    begun := begun OR letter IN ('i', 'I');
    new_letter := end_states[i];
    IF new_letter = 'u' AND r.deliveries[place] IS NOT NULL THEN
      new_letter := 'a';
    END IF;
    IF letter = upper(letter) THEN
      new_letter := upper(new_letter);
    END IF;
    r.attempt_states := overlay(r.attempt_states PLACING new_letter FROM place::integer FOR 1);
    r.failures[place] := end_failures[i];
    r.vendor_references[place] := coalesce(end_references[i], r.vendor_references[place]);
    r.vendor_terms[place] := coalesce(end_terms[i], r.vendor_terms[place]);
  END LOOP;
  r.skips := r.skips || in_skips;
