-- KEYS: what is known about endpoints.
-- ARGV from 2, for each endpoint: its name; of each of its events what became of it (a letter: `d` delivered,
-- `x` dropped, `f` failed, `a` to be tried again) and when it is due (6 bytes; zeros of the first two); then
-- their ids. Returns how many of them were there, and of each endpoint since when it fails, or 0.
local prefix = string.sub(KEYS[1], 1, -1 - #'endpoints')
local answer = {'ended', 0}
local at = 2
while at < #ARGV do
  local endpoint, ends = ARGV[at], ARGV[at + 1]
  local events, dues = prefix .. 'E' .. endpoint, prefix .. 'U' .. endpoint
  local state, since = 'o', 0
  local known = redis.call('HGET', KEYS[1], endpoint)
  if known then
    state, since = struct.unpack('>c1I6', known)
  end
  local fails, removed, count = since, {}, #ends / ${end.width}
  for i = 1, count do
    local id = ARGV[at + 1 + i]
    local became, due = struct.unpack('>c1I6', ends, 1 + (i - 1) * ${end.width})
    if became == 'd' or became == 'x' then
      removed[#removed + 1] = id
      fails = became == 'd' and 0 or fails
    elseif became == 'a' then
      if redis.call('HEXISTS', events, id) == 1 then
        redis.call('ZADD', dues, due, id)
        answer[2] = answer[2] + 1
      end
    else
      local event = redis.call('HGET', events, id)
      if event then
        local tries = struct.pack('>I4', struct.unpack('>I4', event, ${event.tries}) + 1)
        event = string.sub(event, 1, ${event.tries} - 1) .. tries .. string.sub(event, ${event.says})
        redis.call('HSET', events, id, event)
        redis.call('ZADD', dues, due, id)
        answer[2] = answer[2] + 1
        fails = fails > 0 and fails or now
      end
    end
  end
  if #removed > 0 then
    answer[2] = answer[2] + redis.call('HDEL', events, unpack(removed))
    redis.call('ZREM', prefix .. 'A' .. endpoint, unpack(removed))
    redis.call('ZREM', dues, unpack(removed))
  end
  if fails ~= since then
    redis.call('HSET', KEYS[1], endpoint, struct.pack('>c1I6', state, fails))
  end
  answer[#answer + 1] = fails
  at = at + 2 + count
end
return answer
