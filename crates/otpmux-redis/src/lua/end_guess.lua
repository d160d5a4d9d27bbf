-- KEYS: the record; the hash of its named guesses, if this guess has a name.
-- ARGV from 2: who guesses; when the guess was counted; how many are left after a wrong code,
-- nothing if it was never compared; the guess's name and its content.
local named, counted_at, left = KEYS[2], ARGV[3], ARGV[4]

local text, state = read(KEYS[1])
if not text then
  return {'done'}
end
local name, content, known, said, calls, at
if named then
  name, content, known, said, calls, at = named_guess(named, ARGV[5])
  if known ~= content or said ~= 'p' then
    return {'done'}
  end
  counted_at = at
end
if left ~= '-' then
  if named then
    keep_guess(named, name, content, 'w', left, 0)
  end
  return {'done'}
end
if named and calls ~= '1' then
  keep_guess(named, name, content, 'p', calls - 1, at)
  return {'done'}
end
if state == 'a' or state == 'c' then
  return {'done'}
end
local guesses = tonumber(string.match(text, '^. (%d+)'))
if guesses > 0 then
  redis.call('SETRANGE', KEYS[1], '${guesses.offset}', string.format('%0${guesses.width}d', guesses - 1))
end
if counted_at ~= '-' then
  local own, total = guesses_keys(text, ARGV[2])
  redis.call('LREM', own, 1, counted_at)
  redis.call('LREM', total, 1, counted_at)
end
if named then
  redis.call('HDEL', named, name)
end
return {'done'}
