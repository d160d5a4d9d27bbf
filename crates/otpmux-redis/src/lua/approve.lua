-- KEYS: the record.
local text, state, expires_at = read(KEYS[1])
if not text then
  return {'not_found'}
end
local verdict = over(state, expires_at)
if verdict then
  return {verdict}
end
redis.call('SETRANGE', KEYS[1], '0', 'a')
redis.call('DEL', recipients_key('guesses', text))
return {'approved'}
