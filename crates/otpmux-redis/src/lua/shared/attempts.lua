-- A new send attempt, as one argument: the letter of its state, `failed` as in a record, as a field the
-- mark of its delivery, if there is one, and its entry.

-- Returns the index of the record's send attempt with the key of this one, if there is one.
local function attempt_of(text, attempt)
  local _, mark_end = field(attempt, 3)
  -- After the letter of the entry.
  local key_at = field(attempt, mark_end + 2)
  local key = string.sub(attempt, key_at, key_at + ${hash.width} - 1)
  local _, last = field_after(text, ${fields.count} - 1)
  local place = 0
  while last < #text do
    local letter, first = string.byte(text, last + 1), nil
    first, last = field(text, last + 2)
    if letter == ${byte.attempt} then
      if string.sub(text, first, first + ${hash.width} - 1) == key then
        return place
      end
      place = place + 1
    end
  end
end

-- Returns a record's text with what is known of a new send attempt besides its letter and its entry.
local function with_known(text, place, attempt)
  local first, last = field(attempt, 3)
  if first <= last then
    text = text .. 'D\8' .. struct.pack('>I2', place) .. string.sub(attempt, first, last)
  end
  if string.byte(attempt, 2) == 1 then
    text = replace(text, ${failed.at}, ${failed.after}, '\1')
  end
  return text
end

-- Returns the entry of a new send attempt.
local function entry_of(attempt)
  local _, last = field(attempt, 3)
  return string.sub(attempt, last + 1)
end

-- Returns a record's text with one more send attempt, and its index.
local function with_attempt(text, attempt)
  local first, last = field(text, ${fields.at})
  local states = string.sub(text, first, last) .. string.sub(attempt, 1, 1)
  text = replace(text, ${fields.at}, last + 1, packed(states)) .. entry_of(attempt)
  return with_known(text, #states - 1, attempt), #states - 1
end
