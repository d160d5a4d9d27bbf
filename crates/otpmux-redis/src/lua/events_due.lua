-- KEYS: what is known about endpoints.
-- ARGV from 2: until when those that are taken are leased (6 bytes); then of each endpoint its name and the
-- most that are taken. Returns how many were dropped because too many waited, and of each that is taken the
-- endpoint, its id, and itself.
local prefix, lease = string.sub(KEYS[1], 1, -1 - #'endpoints'), ARGV[2]
local score = struct.unpack('>I6', lease)
local answer = {'events', 0}
for i = 3, #ARGV, 2 do
  local endpoint, most = ARGV[i], ARGV[i + 1]
  local events, ages, dues = prefix .. 'E' .. endpoint, prefix .. 'A' .. endpoint, prefix .. 'U' .. endpoint
  -- Also those of a paused endpoint, and those that are tried again in days.
  if redis.call('PTTL', events) < EVENTS_KEPT / 2 then
    redis.call('PEXPIRE', events, EVENTS_KEPT)
    redis.call('PEXPIRE', ages, EVENTS_KEPT)
    redis.call('PEXPIRE', dues, EVENTS_KEPT)
  end
  local surplus = redis.call('ZCARD', ages) - ${events.most}
  while surplus > 0 do
    local oldest = redis.call('ZRANGE', ages, 0, math.min(surplus, 1000) - 1)
    redis.call('HDEL', events, unpack(oldest))
    redis.call('ZREM', ages, unpack(oldest))
    redis.call('ZREM', dues, unpack(oldest))
    surplus, answer[2] = surplus - #oldest, answer[2] + #oldest
  end
  local known = redis.call('HGET', KEYS[1], endpoint)
  if not known or string.sub(known, 1, 1) == 'o' then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', dues, '-inf', now, 'LIMIT', 0, most)) do
      local event = redis.call('HGET', events, id)
      if event then
        event = string.sub(event, 1, ${event.due} - 1) .. lease .. string.sub(event, ${event.tries})
        redis.call('HSET', events, id, event)
        redis.call('ZADD', dues, score, id)
        local at = #answer
        answer[at + 1], answer[at + 2], answer[at + 3] = endpoint, id, event
      else
        redis.call('ZREM', dues, id)
      end
    end
  end
end
return answer
