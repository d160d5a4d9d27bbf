-- KEYS: the record.
local text, state, expires_at = read(KEYS[1])
if not text or over(state, expires_at) then
  return {'over'}
end
redis.call('SETRANGE', KEYS[1], '0', 'c')
return {'cancelled'}
