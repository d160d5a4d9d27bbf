-- KEYS: the record.
local record = read(KEYS[1])
if not record or over(record) then
  return {'over'}
end
redis.call('SETRANGE', KEYS[1], '0', 'c')
return {'cancelled'}
