-- Writes an event that a step has made true to the outbox of each endpoint that gets its type: the letter
-- of the type, the index of the send attempt or nothing, and why or nothing. Only for a record that has
-- events.
local function happened(key, text, letter, place, why)
  local id = string.gsub(string.sub(key, -${id.width}), '.', function(byte)
    return string.format('%02x', string.byte(byte))
  end)
  id = id .. '-' .. letter .. (place or '')
  local first, last = field_after(text, ${fields.events})
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

-- Writes the event of a mark that changed what is known of a message from `known`, if it certainly did not
-- arrive.
local function not_delivered(key, text, place, known, mark)
  local kind, before = math.floor(mark / 1e13), known and math.floor(known / 1e13)
  local has_failed = before == ${mark.expired} or before == ${mark.failed}
  if not has_failed and (kind == ${mark.expired} or kind == ${mark.failed}) then
    happened(key, text, 'd', place, kind == ${mark.expired} and 'expired' or 'failed')
  end
end

-- The same for all of these marks, as `with_ends` returns them.
local function not_delivered_of(key, text, marks)
  for _, it in ipairs(marks or {}) do
    not_delivered(key, text, it[1], it[2], it[3])
  end
end
