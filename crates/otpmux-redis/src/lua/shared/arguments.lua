-- Arguments are taken one after the other, in the order in which Rust has put them.
local taken = 0

local function text()
  taken = taken + 1
  return ARGV[taken]
end

local function number()
  return tonumber(text())
end

-- A text that may be missing: 0, or 1 and the text.
local function maybe()
  if number() == 1 then
    return text()
  end
end

-- The first argument of every script: the caller's time, in milliseconds since 1970.
local now = number()

-- What all keys of this store begin with, its hash tag: `{namespace}:`.
local PREFIX = string.match(KEYS[1], '^{[^}]*}:')
