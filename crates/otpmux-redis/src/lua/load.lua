-- KEYS: the record.
local text = read(KEYS[1])
if text then
  return {'record', text}
end
return 'none'
