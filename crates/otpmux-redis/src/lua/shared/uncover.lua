-- Restores an older verification of a recipient and purpose after a newer one has failed: from the
-- newest one on, each that has failed gives its place back to the one that it had superseded.

-- Returns the key of the recipient, what it is to hold (`false` if that stays), and, if there is one that
-- has not failed, its id, its state and when it expires. Nothing if there is no newest one. `own` is the current
-- record, as it is about to be written.
local function uncovered(own)
  local prefix = string.sub(KEYS[1], 1, -2 - ${id.width})
  local key_of_recipient = prefix .. 'R' .. string.sub(own, ${recipient.counted.at}, ${recipient.counted.last})
  local live, log = parts(redis.call('GET', key_of_recipient))
  local first, last = field_after(own, ${fields.purpose})
  local purpose = packed(string.sub(own, first, last))
  local newest, others = newest_of(live, purpose)
  local id, left = newest, LOOKS_BEHIND
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
      local text = false
      if id ~= newest then
        local kept = math.ceil((expires_at + RETENTION) / 1000)
        text = packed(others .. id .. struct.pack('>I4', kept) .. purpose) .. log
      end
      return key_of_recipient, text, id, state, expires_at
    end
    left = left - 1
    first, last = field_after(text, ${fields.supersedes})
    id = first <= last and string.sub(text, first, last)
  end
  if newest then
    return key_of_recipient, packed(others) .. log
  end
end

-- Writes the result of `uncovered`.
local function uncover(key, text, id, state, expires_at)
  if text == '\0' then
    redis.call('DEL', key)
  elseif text then
    local kept = id and expires_at + RETENTION - now or 1
    redis.call('SET', key, text, 'PX', longer(key, kept))
  end
  if id and state == ${byte.superseded} then
    redis.call('SETRANGE', string.sub(KEYS[1], 1, -1 - ${id.width}) .. id, '${state.offset}', 'p')
  end
end
