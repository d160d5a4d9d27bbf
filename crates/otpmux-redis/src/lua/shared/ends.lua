-- Ends of send attempts, as one argument. Each is the index of a send attempt (2 bytes), the letter of
-- its state, as a field the keyed hash of a reference that finds it, and as a field what an entry of it
-- holds after the index.

-- Returns a record's text with these ends; whether one of the send attempts had no end before; the index
-- of each send attempt with a hash, by hash, if there are any; and the marks of receipts that came before
-- their references, each an index, the mark before, and the mark, if there are any. An unknown send attempt is no
-- error. A send attempt whose delivery was reported is accepted, also if its own answer was lost.
local function with_ends(text, ends)
  local first, references, marks = false, nil, nil
  local at = 1
  -- The receipts that came before their references come first, as they came.
  while at <= #ends do
    local place = struct.unpack('>I2', ends, at)
    local from, to = field(ends, at + 3)
    if from <= to then
      local mark = early(string.sub(KEYS[1], 1, -2 - ${id.width}) .. 'f' .. string.sub(ends, from, to))
      local marked, known
      if mark then
        marked, known = with_mark(text, place, mark)
      end
      if marked and known ~= nil then
        marks = marks or {}
        marks[#marks + 1] = {place, known, mark}
      end
      text = marked or text
    end
    local _, last = field(ends, to + 1)
    at = last + 1
  end
  at = 1
  while at <= #ends do
    local place, letter = struct.unpack('>I2c1', ends, at)
    local from, to = field(ends, at + 3)
    local body, last = field(ends, to + 1)
    local states, states_end = field(text, ${fields.at})
    local where = states + place
    if where <= states_end then
      local was = string.byte(text, where)
      first = first or was == ${byte.intended} or was == ${byte.intended_otpmux}
      if letter == 'u' and delivery_of(text, place) then
        letter = 'a'
      end
      -- Upper case: the send attempt carries otpmux's code.
      text = replace(text, where, where + 1, was < ${byte.lower} and string.upper(letter) or letter)
      local failed = string.byte(ends, body) ~= 0
      if failed then
        text = replace(text, ${failed.at}, ${failed.after}, '\1')
      end
      local entry = string.sub(ends, body, last)
      if entry ~= '\0\0\0' or string.byte(text, ${failed.at}) == 1 then
        text = text .. 'E' .. packed(struct.pack('>I2', place) .. entry)
      end
      if from <= to then
        references = references or {}
        references[string.sub(ends, from, to)] = place
      end
    end
    at = last + 1
  end
  return text, first, references, marks
end

-- Writes the references of a record, which live as long as it does.
local function write_references(references)
  local prefix = string.sub(KEYS[1], 1, -2 - ${id.width}) .. 'f'
  local id, left = string.sub(KEYS[1], -${id.width}), redis.call('PTTL', KEYS[1])
  for hash, place in pairs(references) do
    redis.call('SET', prefix .. hash, id .. struct.pack('>I2', place), 'PX', left)
  end
end
