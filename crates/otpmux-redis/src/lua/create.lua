-- KEYS: the record; its recipient; health; the request, if it has an idempotency key; the external id
-- under every server key, if it has one; then one for each hit, without that of the recipient.
-- ARGV from 2: the record's time to live; the record; five bytes: `r` if a live one is returned in its
-- place, `d` if it is that of a delivery, which takes no place, or `-`, whether it has an idempotency
-- key, the number of keys of its external id, whether a log is long, and the place of the recipient's
-- hit among all, 255 without one; what the recipient's key has of the record after its id, nothing for
-- a delivery; the windows of the recipient's hit, if there is one; the time to live of the recipient's
-- key; then the hits.
local kept, text, entry, windows = ARGV[2], ARGV[3], ARGV[5], ARGV[6]
local mode, named, externals, long, place = string.byte(ARGV[4], 1, 5)
local first = 4 + named + externals

-- What the keys hold, without the record's.
local values, shift
if long == 0 then
  values, shift = redis.call('MGET', unpack(KEYS, 2)), -1
else
  values, shift = held(2, first, 8), 0
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
      return 'key_reused'
    end
    return {'before', before, record}
  end
end

local live, log = '', ''
local older, others, record, superseded
if values[2 + shift] then
  live, log = parts(values[2 + shift])
  if entry ~= '' then
    older, others = newest_of(live, string.sub(entry, 5))
  end
end
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
      return 'external_id_taken'
    end
  end
end

local answer, own
if windows ~= '' then
  own = place
  local wait, which = full(KEYS[2], log, windows)
  answer = wait and {'limited', place, which, wait}
end
answer = limited(values, shift, first, 8, answer, own)
if answer then
  return answer
end

if record then
  local at = field_after(text, ${fields.supersedes})
  text = string.sub(text, 1, at - 2) .. packed(older) .. string.sub(text, at)
end
local known = values[3 + shift] and updates(values[3 + shift])

-- The creation may already be recorded as given up.
if not redis.call('SET', KEYS[1], text, 'PX', kept, 'NX') then
  return 'given_up'
end
if entry ~= '' or own then
  if entry ~= '' then
    live = (others or live) .. id .. entry
  end
  if own then
    log = with_hit(log, windows)
  end
  local time = values[2 + shift] and longer(KEYS[2], ARGV[7]) or ARGV[7]
  redis.call('SET', KEYS[2], packed(live) .. log, 'PX', time)
end
if named == 1 then
  redis.call('SET', KEYS[4], id, 'PX', kept)
end
if externals > 0 then
  redis.call('SET', KEYS[4 + named], id, 'PX', kept)
end
if superseded then
  redis.call('SETRANGE', records .. older, '${state.offset}', 's')
  if string.byte(record, ${watched.at}) == 1 then
    leave(records .. older, record)
  end
end
local due_last
if string.byte(text, ${watched.at}) == 1 then
  local place
  place, due_last = field_after(text, ${fields.due})
  follow(KEYS[1], string.sub(text, place, place + 5), tonumber(kept))
end
if string.byte(text, ${events.at}) == 1 then
  happened(KEYS[1], text, 'c', nil, nil, due_last)
end
hit_all(values, shift, first, 8)
if known then
  return {'new', known}
end
return 'new'
