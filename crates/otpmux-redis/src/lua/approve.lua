-- KEYS: the record.
local record = read(KEYS[1])
if not record then
  return {'not_found'}
end
local verdict = over(record)
if verdict then
  return {verdict}
end
redis.call('SETRANGE', KEYS[1], '0', 'a')
redis.call('DEL', recipients_key('guesses', record))
return {'approved'}
