-- KEYS: a hash with the check value of each server key, by id; it never expires.
-- ARGV from 2: id and value of each key, separated by a space.
-- Returns the positions, from 0, of the keys with another value. Writes only new keys.
local differs = {'keys'}
for i = 2, #ARGV do
  local id, value = string.match(ARGV[i], '^(%S+) (%S+)$')
  local known = redis.call('HGET', KEYS[1], id)
  if not known then
    redis.call('HSET', KEYS[1], id, value)
  elseif known ~= value then
    differs[#differs + 1] = i - 2
  end
end
return differs
