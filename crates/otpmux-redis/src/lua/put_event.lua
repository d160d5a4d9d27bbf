-- KEYS: what is known about endpoints; the key that the event holds, and the one that it releases, if it
-- is written once.
-- ARGV from 2: the event's id; what it says; why; until when it holds its key (6 bytes), and for how long,
-- if it is written once; the endpoints.
local id, says, why, until_at, kept = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if KEYS[2] then
  local held = redis.call('GET', KEYS[2])
  if held and struct.unpack('>I6', held) > now then
    return 'held'
  end
  redis.call('SET', KEYS[2], until_at, 'PX', kept)
  if KEYS[3] then
    redis.call('DEL', KEYS[3])
  end
end
for i = 7, #ARGV do
  put(string.sub(KEYS[1], 1, -1 - #'endpoints'), ARGV[i], id, says, why)
end
return 'written'
