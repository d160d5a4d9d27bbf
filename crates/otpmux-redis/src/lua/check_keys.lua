-- KEYS: a hash with the check value of each server key, by id; it never expires.
-- ARGV from 2: id and value of each key.
-- Returns the positions, from 0, of the keys with another value. Writes only new keys.
local differs = {'keys'}
for i = 2, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[1], ARGV[i])
  if not known then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  elseif known ~= ARGV[i + 1] then
    differs[#differs + 1] = i / 2 - 1
  end
end
return differs
