-- What all keys of this store begin with: `{namespace}:`. The first key is a record's, whose id has 32
-- digits.
local function prefix()
  return string.sub(KEYS[1], 1, -1 - #'verification:' - 32)
end

-- The key of a limit of the record's recipient, which goes by the first 128 bits of the hash.
local function recipients_key(scope, record)
  return prefix() .. 'limit:' .. scope .. ':' .. string.sub(record.text, 64, 95)
end
