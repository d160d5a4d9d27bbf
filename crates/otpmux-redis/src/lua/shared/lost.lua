-- Returns a record's text with a given-up send attempt marked as not sent; and whether it was there
-- without an end. `attempt` is in the form of a new one.
local function with_lost(text, attempt)
  local place = attempt_of(text, attempt)
  if not place then
    return with_attempt(text, attempt), false
  end
  local where = field(text, ${fields.at}) + place
  local was = string.byte(text, where)
  if was ~= ${byte.intended} and was ~= ${byte.intended_otpmux} then
    return text, false
  end
  -- Its entry is replaced, and the later ones about it go.
  local _, last = field_after(text, ${fields.count} - 1)
  local kept, index = {string.sub(text, 1, last)}, 0
  while last < #text do
    local at = last + 1
    local letter, first = string.byte(text, at), nil
    first, last = field(text, at + 1)
    if letter == ${byte.attempt} then
      kept[#kept + 1] = index == place and entry_of(attempt) or string.sub(text, at, last)
      index = index + 1
    elseif letter == ${byte.skip} or struct.unpack('>I2', text, first) ~= place then
      kept[#kept + 1] = string.sub(text, at, last)
    end
  end
  text = replace(table.concat(kept), where, where + 1, string.sub(attempt, 1, 1))
  return with_known(text, place, attempt), true
end
