-- KEYS: what is known about endpoints.
-- ARGV from 2: the endpoint; the event's id; what became of it: `d` delivered, `x` dropped, `f` failed, `a`
-- to be tried again; and when it is due, of the last two (6 bytes). Returns whether the event was there, and since
-- when the endpoint fails.
local endpoint, id, became, due = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local prefix = string.sub(KEYS[1], 1, -1 - #'endpoints')
local events, dues = prefix .. 'E' .. endpoint, prefix .. 'U' .. endpoint
local state, since = 'o', 0
local known = redis.call('HGET', KEYS[1], endpoint)
if known then
  state, since = struct.unpack('>c1I6', known)
end
local event = redis.call('HGET', events, id)
local fails = since
if became == 'd' or became == 'x' then
  redis.call('HDEL', events, id)
  redis.call('ZREM', prefix .. 'A' .. endpoint, id)
  redis.call('ZREM', dues, id)
  fails = became == 'd' and 0 or since
elseif event then
  local tries = struct.unpack('>I4', event, ${event.tries})
  if became == 'f' then
    tries = tries + 1
    fails = since > 0 and since or now
  end
  event = string.sub(event, 1, ${event.due} - 1) .. due .. struct.pack('>I4', tries)
    .. string.sub(event, ${event.says})
  redis.call('HSET', events, id, event)
  redis.call('ZADD', dues, (struct.unpack('>I6', due)), id)
end
if fails ~= since then
  redis.call('HSET', KEYS[1], endpoint, struct.pack('>c1I6', state, fails))
end
return {event and 'done' or 'gone', fails > 0 and fails or nil}
