-- Arguments are taken one after the other, in the order in which Rust has put them. Times and counts
-- that scripts only hand on stay texts: Redis writes a number out again, at a price.
local taken = 1

local function text()
  taken = taken + 1
  return ARGV[taken]
end

-- A text that may be missing: 0, or 1 and the text.
local function maybe()
  taken = taken + 1
  if ARGV[taken] == '1' then
    taken = taken + 1
    return ARGV[taken]
  end
end

-- The first argument of every script: the caller's time, in milliseconds since 1970.
local now = tonumber(ARGV[1])

-- What all keys of this store begin with, its hash tag: `{namespace}:`.
local function prefix()
  return string.match(KEYS[1], '^{[^}]*}:')
end
