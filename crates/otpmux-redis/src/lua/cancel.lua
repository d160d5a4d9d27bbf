-- KEYS: the record.
local text, state, expires_at = read(KEYS[1])
local live = text and not over(state, expires_at)
if live or state == ${byte.superseded} then
  redis.call('SETRANGE', KEYS[1], '${state.offset}', 'c')
  if string.byte(text, ${watched.at}) == 1 then
    leave(KEYS[1], text)
  end
  if string.byte(text, ${events.at}) == 1 then
    happened(KEYS[1], text, 'f', nil, may_have_sent(text, '[IAUiau]') and 'cancelled' or 'not_sent')
  end
end
return live and 'cancelled' or 'over'
