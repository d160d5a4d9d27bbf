-- KEYS: the record.
local record, fields = read(KEYS[1])
if record then
  return {'record', fields}
end
return {'none'}
