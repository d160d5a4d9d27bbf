-- KEYS: what is known about endpoints.
-- ARGV from 2: until when those that are taken are leased, in decimal; then of each endpoint its name and the
-- most that are taken. Returns how many were dropped because too many waited; and for each endpoint how many
-- are taken, and of each of these its id and itself.
local prefix, lease = string.sub(KEYS[1], 1, -1 - #'endpoints'), ARGV[2]
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
  local taken = #answer + 1
  answer[taken] = 0
  local known = redis.call('HGET', KEYS[1], endpoint)
  if not known or string.sub(known, 1, 1) == 'o' then
    local ids = redis.call('ZRANGEBYSCORE', dues, '-inf', now, 'LIMIT', 0, most)
    local found = #ids > 0 and redis.call('HMGET', events, unpack(ids))
    local moved = {}
    for at, id in ipairs(ids) do
      local event = found[at]
      if event then
        moved[#moved + 1], moved[#moved + 2] = lease, id
        answer[#answer + 1], answer[#answer + 2] = id, event
        answer[taken] = answer[taken] + 1
      else
        redis.call('ZREM', dues, id)
      end
    end
    if #moved > 0 then
      redis.call('ZADD', dues, unpack(moved))
    end
  end
end
return answer
