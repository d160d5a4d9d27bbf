-- The named guesses of a record: a hash with a field for each name, which lives as long as the
-- record. A field holds what was guessed, as a keyed hash, and its state: `p`, the calls that ask
-- vendors, and when it was counted; `w` and how many guesses were left; or `a`.

-- Returns the name of a guess, what is guessed, and what is stored of it: what was guessed, its
-- state and two numbers.
local function named_guess(key, text)
  local name, content = string.match(text, '^(%x+) (%x+)$')
  local before = redis.call('HGET', key, name)
  if not before then
    return name, content
  end
  local known, state, number, counted_at = string.match(before, '^(%x+) ([pwa]) (%d+) (%d+)$')
  assert(known, 'a guess that cannot be read')
  return name, content, known, state, number, counted_at
end

-- Writes a named guess.
local function keep_guess(key, name, content, state, number, counted_at)
  redis.call('HSET', key, name, content .. ' ' .. state .. ' ' .. number .. ' ' .. counted_at)
  local left = redis.call('PTTL', KEYS[1])
  if left > 0 then
    redis.call('PEXPIRE', key, left)
  end
end
