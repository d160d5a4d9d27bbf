-- Returns the positions of the first and the last byte of the field that follows so many others. It passes over
-- short fields without a call of `field`, which would double its cost.
local function field_after(text, others)
  local byte, at = string.byte, ${fields.at}
  for _ = 1, others do
    local length = byte(text, at)
    if length and length < ${field.long} then
      at = at + 1 + length
    else
      local _, last = field(text, at)
      at = last + 1
    end
  end
  return field(text, at)
end

-- Returns a field of these bytes.
local function packed(bytes)
  if #bytes < ${field.long} then
    return string.char(#bytes) .. bytes
  end
  return '\255' .. struct.pack('>I4', #bytes) .. bytes
end
