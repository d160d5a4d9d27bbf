-- Writes an event that a step has made true to the outbox of each endpoint that gets its type: the letter
-- of the type, the index of the send attempt or nothing, why or nothing, and where the field before that of its
-- events ends, if a caller knows it. Only for a record that has events.
local function happened(key, text, letter, place, why, before)
  local id = string.sub(key, -${id.width}) .. letter .. (place or '')
  local first, last
  if before then
    first, last = field(text, before + 1)
  else
    first, last = field_after(text, ${fields.events})
  end
  local says, at = field(text, first)
  says = string.sub(text, says, at)
  while at < last do
    local name, name_end = field(text, at + 1)
    local letters
    letters, at = field(text, name_end + 1)
    if string.find(string.sub(text, letters, at), letter, 1, true) then
      put(string.sub(key, 1, -2 - ${id.width}), string.sub(text, name, name_end), id, says, why or '')
    end
  end
end
