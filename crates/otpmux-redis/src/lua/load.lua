-- KEYS: the record.
if read(KEYS[1]) then
  return {'record', redis.call('HGETALL', KEYS[1])}
end
return {'none'}
