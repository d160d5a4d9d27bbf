-- KEYS: the due set.
-- ARGV from 2: until when those that are taken are leased (6 bytes); the most that are taken.
local prefix, most = string.sub(KEYS[1], 1, -1 - #'due') .. 'v', tonumber(ARGV[3])
local taken, places, gone, from = {'due'}, {}, {}, 0
while #taken - 1 < most do
  local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', from, most - #taken + 1)
  if #ids == 0 then
    break
  end
  from = from + #ids
  for _, id in ipairs(ids) do
    -- One that cannot be read holds the others up no more than one that is gone.
    local readable, text = pcall(read, prefix .. id)
    if readable and text and string.byte(text, ${watched.at}) == 1 then
      taken[#taken + 1], places[#places + 1] = id, field_after(text, ${fields.due}) - 1
    else
      gone[#gone + 1] = id
    end
  end
end
local score = struct.unpack('>I6', ARGV[2])
for i, place in ipairs(places) do
  redis.call('SETRANGE', prefix .. taken[i + 1], place, ARGV[2])
  redis.call('ZADD', KEYS[1], score, taken[i + 1])
end
for _, id in ipairs(gone) do
  redis.call('ZREM', KEYS[1], id)
end
return taken
