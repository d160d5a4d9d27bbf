-- Health updates of all processes: one string. For each provider and process: as one field the name of
-- the provider and the number of the process (8 bytes), and as one field the time of the update and the
-- update, which no script reads.

-- Returns the name, the time and the update that begin here, and the position after them.
local function update_at(text, at)
  local name_first, name_last = field(text, at)
  local first, last = field(text, name_last + 1)
  return string.sub(text, name_first, name_last), struct.unpack('>I6', text, first),
    string.sub(text, first + 6, last), last + 1
end
