-- Returns the positions of the first and the last byte of the field that follows so many others.
local function field_after(text, others)
  local first, last = field(text, ${fields.at})
  for _ = 1, others do
    first, last = field(text, last + 1)
  end
  return first, last
end

-- Returns a field of these bytes.
local function packed(bytes)
  if #bytes < ${field.long} then
    return string.char(#bytes) .. bytes
  end
  return '\255' .. struct.pack('>I4', #bytes) .. bytes
end
