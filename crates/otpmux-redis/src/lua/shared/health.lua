-- Health updates of all processes: a hash with one field for each provider and process. A field
-- holds the time of the update in milliseconds, a space, and the update, which no script reads. Its
-- name is that of the provider, a space, and 16 hexadecimal digits.

-- Returns the time of an update, and the update; nothing if it cannot be read or has expired.
local function parts(value)
  local at, update = string.match(value, '^(%d+) (.*)$')
  if at and now < at + HEALTH_TTL then
    return tonumber(at), update
  end
end

