-- KEYS: the record; the id of the newest one of its recipient and purpose; health; the request, if
-- it has an idempotency key; the external id under every server key, if it has one; then one for
-- each hit.
-- ARGV from 2: the record's time to live; its text; `r` if a live one is returned in its place, `d`
-- if it is that of a delivery, which takes no place, or `-`, and the number of server keys if it
-- has an external id; then the windows of each hit.
local kept, text, mode = ARGV[2], ARGV[3], ARGV[4]
-- The content of the request with this idempotency key, and the external id.
local content, external = string.match(text, '^(%S+) %S+ %S+ %S+ %S+ %S+ %S+ (%S+)', ${second_line})
local named = content ~= '-'
local externals = named and 5 or 4
local first = externals
if external ~= '-' then
  first = externals + string.sub(mode, 2)
end

-- The prefix of the records' keys, before an id of 32 digits.
local records, id = string.sub(KEYS[1], 1, -1 - ${id.width}), string.sub(KEYS[1], -${id.width})

local before = named and redis.call('GET', KEYS[4])
if before then
  local record, state = read(records .. before)
  local failed = record and state == 'c' and not may_have_sent(record, '[01]')
  if record and not failed then
    if string.match(record, '^%S+', ${second_line}) ~= content then
      return {'key_reused'}
    end
    return {'before', before, record}
  end
end

local older = mode ~= 'd' and redis.call('GET', KEYS[2])
local record, superseded
if older then
  local state, expires_at
  record, state, expires_at = read(records .. older)
  -- Only a live one: an expired one must still answer `expired`.
  superseded = record and not over(state, expires_at)
  if superseded and string.byte(mode) == ${byte.repeat} then
    local guesses, most = string.match(record, '^p (%d+) (%d+)')
    if tonumber(guesses) < tonumber(most) then
      return {'live', older, record}
    end
  end
end

for i = externals, first - 1 do
  local other = redis.call('GET', KEYS[i])
  if other then
    local record, state = read(records .. other)
    if record and (state ~= 'c' or may_have_sent(record, '[01]')) then
      return {'external_id_taken'}
    end
  end
end

local answer = limited(first, 5)
if answer then
  return answer
end

if record then
  local place = string.match(text, '^%S+ %S+ ()', ${second_line})
  text = string.sub(text, 1, place - 1) .. older .. string.sub(text, place + 1)
end
local known = updates(KEYS[3])

-- The creation may already be recorded as given up.
if not redis.call('SET', KEYS[1], text, 'PX', kept, 'NX') then
  return {'given_up'}
end
if mode ~= 'd' then
  redis.call('SET', KEYS[2], id, 'PX', kept)
end
if named then
  redis.call('SET', KEYS[4], id, 'PX', kept)
end
if first > externals then
  redis.call('SET', KEYS[externals], id, 'PX', kept)
end
if superseded then
  redis.call('SETRANGE', records .. older, '${state.offset}', 's')
end
hit_all(first, 5)
return {'new', known}
