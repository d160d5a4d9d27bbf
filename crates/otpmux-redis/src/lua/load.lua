-- KEYS: the record.
local record = read(KEYS[1])
if record then
  return {'record', record.text}
end
return {'none'}
