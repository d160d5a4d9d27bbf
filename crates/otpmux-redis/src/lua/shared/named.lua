-- The named guesses: a key for each name, which lives as long as the record that the guess was
-- counted at. Its value is that record's id, what was guessed, as a keyed hash, and its state: `p`,
-- the calls that ask vendors, and when it was counted; `w` and how many guesses were left; or `a`.

-- Returns what is stored of a guess: what was guessed, its state, two numbers, and the id of the
-- record.
local function named_guess(key)
  local before = redis.call('GET', key)
  if before then
    local id, known, state, number, counted_at =
      string.match(before, '^(%x+) (%x+) ([pwa]) (%d+) (%d+)$')
    assert(id and #id == ${id.width}, 'a guess that cannot be read')
    return known, state, number, counted_at, id
  end
end

-- Writes a named guess at the record with this key.
local function keep_guess(key, record, content, state, number, counted_at)
  local value = string.sub(record, -${id.width}) .. ' ' .. content
    .. ' ' .. state .. ' ' .. number .. ' ' .. counted_at
  local left = redis.call('PTTL', record)
  redis.call('SET', key, value, 'PX', left > 0 and left or 1)
end
