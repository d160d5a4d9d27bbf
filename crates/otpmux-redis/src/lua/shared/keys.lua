-- Returns the keys under which guesses at the record's recipient are counted: the guesser's own,
-- and that of all. They consist of the prefix of all keys of this store (taken from the record's
-- key), a letter, the first 64 bits of the recipient's hash, and 64 bits each for who guesses, as in
-- `who`.
local function guesses_keys(key, text, who)
  local prefix = string.sub(key, 1, -2 - ${id.width})
  local recipient = string.sub(text, ${recipient.guessed.at}, ${recipient.guessed.last})
  return prefix .. 'O' .. recipient .. string.sub(who, 1, ${guesser.width}),
    prefix .. 'T' .. recipient .. string.sub(who, 1 + ${guesser.width})
end
