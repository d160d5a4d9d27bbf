-- What processes tell each other about providers: a hash of one field for each provider and
-- process, which holds the time of the mark in milliseconds, a space, and the mark, which no script
-- looks into. The field's name is that of the provider, a space, and 16 hexadecimal digits.

-- The time of a mark, and the mark; nothing when it cannot be read, or no longer counts.
local function parts(value)
  local at, mark = string.match(value, '^(%d+) (.*)$')
  if at and now < at + HEALTH_KEPT then
    return tonumber(at), mark
  end
end

