-- KEYS: the record.
local record = read(KEYS[1])
if not record or over(record) then
  return {'over'}
end
write(KEYS[1], record, 'state', 'closed')
return {'cancelled'}
