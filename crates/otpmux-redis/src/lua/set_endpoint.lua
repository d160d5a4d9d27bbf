-- KEYS: what is known about endpoints.
-- ARGV from 2: the endpoint; the letter of its state. Switching it on ends its failing.
local known = redis.call('HGET', KEYS[1], ARGV[2])
local since = known and ARGV[3] ~= 'o' and string.sub(known, 2) or '\0\0\0\0\0\0'
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. since)
return 'done'
