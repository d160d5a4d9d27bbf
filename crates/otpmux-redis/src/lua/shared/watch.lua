-- Returns when a record is due, what that becomes at its end, and the steps of escalation.
local function watch_of(text)
  if string.byte(text, ${watched.at}) == 0 then
    return NEVER, NEVER, 0
  end
  return struct.unpack('>c6c6B', text, (field_after(text, ${fields.due})))
end

-- Returns a record's text with these.
local function with_watch(text, due, after, steps)
  local first, last = field_after(text, ${fields.due})
  text = replace(text, first - 1, last + 1, packed(due .. after .. string.char(steps)))
  return replace(text, ${watched.at}, ${watched.after}, '\1')
end
