-- KEYS: the record; the guess's name, if it has one.
-- ARGV from 2: who guesses; when the guess was counted, if it was; how many are left after a wrong code
-- (4 bytes), nothing if it was never compared; what is guessed, if the guess has a name.
local named, counted_at, left, content = KEYS[2], ARGV[3], ARGV[4], ARGV[5]

local text, state = read(KEYS[1])
if not text then
  return 'done'
end
local known, said, calls, at, id
if named then
  known, said, calls, at, id = named_guess(named)
  if known ~= content or said ~= 'p' or id ~= string.sub(KEYS[1], -${id.width}) then
    return 'done'
  end
  counted_at = at
end
if left ~= '' then
  if named then
    keep_guess(named, KEYS[1], content, 'w', (struct.unpack('>I4', left)))
  end
  return 'done'
end
if named and calls ~= 1 then
  keep_guess(named, KEYS[1], content, 'p', calls - 1, at)
  return 'done'
end
if state == ${byte.approved} or state == ${byte.closed} then
  return 'done'
end
local guesses = struct.unpack('>I4', text, ${guesses.at})
if guesses > 0 then
  redis.call('SETRANGE', KEYS[1], '${guesses.offset}', struct.pack('>I4', guesses - 1))
end
if counted_at ~= '' then
  local own, total = guesses_keys(KEYS[1], text, ARGV[2])
  take_back(own, counted_at)
  take_back(total, counted_at)
end
if named then
  redis.call('DEL', named)
end
return 'done'
