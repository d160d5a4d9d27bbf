-- What processes tell each other about providers: a hash of one field for each, which holds the
-- time of the mark in milliseconds, a space, and the mark, which no script looks into.

-- The time of a mark, and the mark; nothing when it cannot be read, or no longer counts.
local function parts(value)
  local at, mark = string.match(value, '^(%d+) (.*)$')
  if at and now < at + HEALTH_KEPT then
    return tonumber(at), mark
  end
end

