-- Marks of deliveries, and receipts that come before the reference that they name is known. The key of
-- a reference holds the id of a record and the index of a send attempt (2 bytes), or before that `-`, a
-- mark (6) and until when it counts (6).

-- Returns the mark of a send attempt's delivery, and its position; nothing if there is none.
local function delivery_of(text, place)
  local _, last = field_after(text, ${fields.count} - 1)
  while last < #text do
    local letter, first = string.byte(text, last + 1), nil
    first, last = field(text, last + 2)
    if letter == ${byte.delivery} and struct.unpack('>I2', text, first) == place then
      return struct.unpack('>I6', text, first + 2), first + 2
    end
  end
end

-- Returns a record's text with a mark merged into this send attempt, and the mark before (`false` if
-- there was none); only the text if that one is as strong; nothing without such a send attempt.
local function with_mark(text, place, mark)
  local first, last = field(text, ${fields.at})
  local at = first + place
  if at > last then
    return nil
  end
  local known, where = delivery_of(text, place)
  if known and known >= mark then
    return text
  end
  local number = struct.pack('>I6', mark)
  if known then
    text = replace(text, where, where + 6, number)
  else
    text = text .. 'D\8' .. struct.pack('>I2', place) .. number
  end
  local state = string.char(string.byte(text, at))
  if string.find(state, '[iu]') then
    text = replace(text, at, at + 1, 'a')
  elseif string.find(state, '[IU]') then
    text = replace(text, at, at + 1, 'A')
  end
  return text, known or false
end

-- Returns the mark that the key of a reference holds, if it still counts.
local function early(key)
  local held = redis.call('GET', key)
  if held and #held == ${early.width} then
    local mark, ends_at = struct.unpack('>I6I6', held, 2)
    if now < ends_at then
      return mark
    end
  end
end
