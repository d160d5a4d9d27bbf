-- The keys under which the guesses at the record's recipient are counted: the guesser's own, and all. They
-- go by the first 64 bits of the recipient's hash, and by 64 bits each for who guesses, as `who` says.
-- Before them stands what all keys of this store begin with, as in the first key, a record's, whose id has
-- 32 digits.
local function guesses_keys(text, who)
  local prefix = string.sub(KEYS[1], 1, -1 - #'verification:' - 32) .. 'limit:guesses'
  local recipient = string.sub(text, 64, 79)
  return prefix .. ':' .. recipient .. string.sub(who, 1, 16),
    prefix .. '_total:' .. recipient .. string.sub(who, 17)
end
