-- Restores an older verification of a recipient and purpose after a newer one has failed: from the
-- newest one on, each that has failed gives its place back to the one that it had superseded.

-- Returns the key that names the newest one, its id, the id of the first that has not failed, that
-- one's state and when it expires. `own` is the current record, as it is about to be written.
local function uncovered(own)
  local prefix = string.sub(KEYS[1], 1, -2 - ${id.width})
  local first, last = field_after(own, ${fields.purpose})
  local live = prefix .. 'l' .. string.sub(own, ${recipient.counted.at}, ${recipient.counted.last})
    .. string.sub(own, first, last)
  local newest = redis.call('GET', live)
  local id, left = newest or nil, LOOKS_BEHIND
  while id do
    local key = prefix .. 'v' .. id
    local text, state, expires_at = read(key)
    if key == KEYS[1] then
      text, state = own, string.byte(own, ${state.at})
    end
    if not text then
      break
    end
    if left == 0 or state ~= ${byte.closed} or may_have_sent(text, '[IAUiau]') then
      return live, newest, id, state, expires_at
    end
    left = left - 1
    first, last = field_after(text, ${fields.supersedes})
    id = first <= last and string.sub(text, first, last)
  end
  return live, newest
end

-- Writes the result of `uncovered`.
local function uncover(live, newest, id, state, expires_at)
  if not id then
    if newest then
      redis.call('DEL', live)
    end
    return
  end
  if id ~= newest then
    redis.call('SET', live, id, 'PX', expires_at + RETENTION - now)
  end
  if state == ${byte.superseded} then
    redis.call('SETRANGE', string.sub(KEYS[1], 1, -1 - ${id.width}) .. id, '${state.offset}', 'p')
  end
end
