-- The key of a limit of the record's recipient, which goes by the first 128 bits of the hash. Before it
-- stands what all keys of this store begin with, as in the first key, a record's, whose id has 32 digits.
local function recipients_key(scope, text)
  local prefix = string.sub(KEYS[1], 1, -1 - #'verification:' - 32)
  return prefix .. 'limit:' .. scope .. ':' .. string.sub(text, 64, 95)
end
