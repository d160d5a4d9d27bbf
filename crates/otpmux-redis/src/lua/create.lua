-- KEYS: the record; the id of the newest one of its recipient and purpose; health; the request, if
-- it has an idempotency key; the external id under every server key, if it has one; then one for
-- each hit.
-- ARGV from 2: the record's time to live; the record; four bytes: `r` if a live one is returned in its
-- place, `d` if it is that of a delivery, which takes no place, or `-`, whether it has an idempotency
-- key, the number of keys of its external id, and whether a log is long; then the hits.
local kept, text = ARGV[2], ARGV[3]
local mode, named, externals, long = string.byte(ARGV[4], 1, 4)
local first = 4 + named + externals

-- What the keys hold, without the record's.
local values, shift
if long == 0 then
  values, shift = redis.call('MGET', unpack(KEYS, 2)), -1
else
  values, shift = held(2, first, 5), 0
end

-- The prefix of the records' keys, before an id.
local records, id = string.sub(KEYS[1], 1, -1 - ${id.width}), string.sub(KEYS[1], -${id.width})

local function has_failed(record, state)
  return state == ${byte.closed} and not may_have_sent(record, '[IAUiau]')
end

local before = named == 1 and values[4 + shift]
if before then
  local record, state = read(records .. before)
  if record and not has_failed(record, state) then
    local its_first, its_last = field_after(record, ${fields.content})
    local own_first, own_last = field_after(text, ${fields.content})
    if string.sub(record, its_first, its_last) ~= string.sub(text, own_first, own_last) then
      return {'key_reused'}
    end
    return {'before', before, record}
  end
end

local older = mode ~= ${byte.delivered} and values[2 + shift]
local record, superseded
if older then
  local state, expires_at
  record, state, expires_at = read(records .. older)
  -- Only a live one: an expired one must still answer `expired`.
  superseded = record and not over(state, expires_at)
  if superseded and mode == ${byte.repeat} then
    local guesses, most = struct.unpack('>I4I4', record, ${guesses.at})
    if guesses < most then
      return {'live', older, record}
    end
  end
end

for i = 4 + named, first - 1 do
  local other = values[i + shift]
  if other then
    local record, state = read(records .. other)
    if record and not has_failed(record, state) then
      return {'external_id_taken'}
    end
  end
end

local answer = limited(values, shift, first, 5)
if answer then
  return answer
end

if record then
  local place = field_after(text, ${fields.supersedes})
  text = string.sub(text, 1, place - 2) .. packed(older) .. string.sub(text, place)
end
local known = values[3 + shift] and updates(values[3 + shift])

-- The creation may already be recorded as given up.
if not redis.call('SET', KEYS[1], text, 'PX', kept, 'NX') then
  return {'given_up'}
end
if mode ~= ${byte.delivered} then
  redis.call('SET', KEYS[2], id, 'PX', kept)
end
if named == 1 then
  redis.call('SET', KEYS[4], id, 'PX', kept)
end
if externals > 0 then
  redis.call('SET', KEYS[4 + named], id, 'PX', kept)
end
if superseded then
  redis.call('SETRANGE', records .. older, '${state.offset}', 's')
end
hit_all(values, shift, first, 5)
return {'new', known or nil}
