-- What is kept of the guesses that have names: a hash with a field for each name, for as long as their
-- record. A field says what was guessed, as a keyed hash, and what has become of it: `p`, the calls that
-- ask vendors, and when it was counted; `w` and how many were left; or `a`.

-- The name of a guess, what is guessed, and what is kept of it: what was guessed, its state and two
-- numbers.
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

-- Writes that down.
local function keep_guess(key, name, content, state, number, counted_at)
  redis.call('HSET', key, name, content .. ' ' .. state .. ' ' .. number .. ' ' .. counted_at)
  local left = redis.call('PTTL', KEYS[1])
  if left > 0 then
    redis.call('PEXPIRE', key, left)
  end
end
