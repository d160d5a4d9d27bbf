-- Restores an older verification of a recipient and purpose after a newer one has failed: from the
-- newest one on, each that has failed gives its place back to the one that it had superseded.

-- Returns the key that names the newest one, its id, the id of the first that has not failed, that
-- one's state and when it expires. `own` is the current record, as it is about to be written.
local function uncovered(own)
  local prefix = string.sub(KEYS[1], 1, -1 - #'verification:' - ${id.width})
  local purpose = string.match(own, '^%S+ =(%S+)', ${second_line})
  local live = prefix .. 'live:' .. string.sub(own, ${recipient.counted.at}, ${recipient.counted.last}) .. ':' .. purpose
  local newest = redis.call('GET', live)
  local id, left = newest or nil, LOOKS_BEHIND
  while id do
    local key = prefix .. 'verification:' .. id
    local text, state, expires_at = read(key)
    if key == KEYS[1] then
      text, state = own, string.sub(own, ${state.at}, ${state.last})
    end
    if not text then
      break
    end
    if left == 0 or state ~= 'c' or may_have_sent(text, '[01]') then
      return live, newest, id, state, expires_at
    end
    left = left - 1
    id = string.match(text, '^%S+ %S+ (%x+)', ${second_line})
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
  if state == 's' then
    redis.call('SETRANGE', string.sub(KEYS[1], 1, -1 - ${id.width}) .. id, '${state.offset}', 'p')
  end
end
