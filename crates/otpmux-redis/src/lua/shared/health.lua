-- What processes tell each other about providers: a hash of one field for each provider and
-- process, which holds the time of the update in milliseconds, a space, and the update, which no script
-- looks into. The field's name is that of the provider, a space, and 16 hexadecimal digits.

-- The time of an update, and the update; nothing when it cannot be read, or no longer counts.
local function parts(value)
  local at, update = string.match(value, '^(%d+) (.*)$')
  if at and now < at + HEALTH_TTL then
    return tonumber(at), update
  end
end

