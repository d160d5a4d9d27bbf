-- What processes tell each other about providers: a hash of one field for each, which holds the
-- time of the mark in milliseconds, a space, and the mark, which no script looks into.

-- The time of a mark, and the mark; nothing when it cannot be read.
local function parts(value)
  local at, mark = string.match(value, '^(%d+) (.*)$')
  return tonumber(at), mark
end

local function counts(value)
  local at = parts(value)
  return at and now < at + HEALTH_KEPT
end

-- The marks that count.
local function marks(key)
  local known = {}
  for _, value in ipairs(redis.call('HVALS', key)) do
    if counts(value) then
      local _, mark = parts(value)
      known[#known + 1] = mark
    end
  end
  return known
end
