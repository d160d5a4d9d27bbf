-- KEYS: the record.
local record = read(KEYS[1])
if not record or over(record) then
  return {'over'}
end
record.state = 'c'
write_standing(KEYS[1], record)
return {'cancelled'}
