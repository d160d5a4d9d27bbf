-- KEYS: the record.
local record = read(KEYS[1])
if not record then
  return {'not_found'}
end
local verdict = over(record)
if verdict then
  return {verdict}
end
record.state = 'a'
write_standing(KEYS[1], record)
redis.call('DEL', recipients_key('guesses', record))
return {'approved'}
