-- The named guesses: a key for each name, which lives as long as the record that the guess was
-- counted at. Its value is that record's id (16 bytes), what was guessed, as a keyed hash (16), its
-- state, a number (4) and a time (6): `p`, the calls that ask vendors, and when it was counted; `w` and
-- how many guesses were left; or `a`.

-- Returns what is stored of a guess: what was guessed, its state, a number, a time, and the id of the
-- record.
local function named_guess(key)
  local before = redis.call('GET', key)
  if before then
    assert(#before == ${named.width}, 'a guess that cannot be read')
    local id, known, state, number, counted_at = struct.unpack('>c${id.width}c${hash.width}c1I4c6', before)
    return known, state, number, counted_at, id
  end
end

-- Writes a named guess at the record with this key.
local function keep_guess(key, record, content, state, number, counted_at)
  local value = string.sub(record, -${id.width}) .. content .. state
    .. struct.pack('>I4', number) .. (counted_at or '\0\0\0\0\0\0')
  local left = redis.call('PTTL', record)
  redis.call('SET', key, value, 'PX', left > 0 and left or 1)
end
