-- Ends of send attempts, and the skips since.

-- Returns the prefix of the keys of references, from the key of the record.
local function reference_prefix()
  return string.sub(KEYS[1], 1, -1 - #'verification:' - ${id.width}) .. 'reference:'
end

-- Returns a record's text with the receipts that came before these ends, which bring their references.
local function with_early(text, ends)
  local prefix = reference_prefix()
  for place, hash in string.gmatch(ends, '(%d+) %S+ %S+ %S+ %S+ (%x+)\n') do
    local mark = early(prefix .. hash)
    local line = mark and string.find(text, '\n', ${second_line}, true)
    for _ = 1, mark and place or 0 do
      line = line and next_attempt(text, line)
    end
    text = line and with_mark(text, line, mark) or text
  end
  return text
end

-- Returns a record's text with the ends of its send attempts, one in each line: a send attempt's
-- index, its state, why it failed, its reference, what is known of a vendor's code, and the keyed
-- hash of a reference that finds it; whether one of them had no end before; and the index of each
-- send attempt with such a hash, by hash, if there are any. An unknown send attempt is no error.
-- Reference and vendor's code remain until there is a newer one. A send attempt whose delivery was
-- reported is accepted, also if its own answer was lost.
local function with_ends(text, ends)
  local first, references = false, nil
  if string.find(ends, ' %x+\n') then
    text = with_early(text, ends)
  end
  for place, state, failure, reference, terms, hash in
    string.gmatch(ends, '(%d+) (%S+) (%S+) (%S+) (%S+) (%S+)\n') do
    local line = string.find(text, '\n', ${second_line}, true)
    for _ = 1, place do
      local following = next_attempt(text, line)
      if not following then
        break
      end
      line = following
    end
    local was, otpmux_code, known, before, rest, delivery =
      string.match(text, '^\n(.)([01]) %S+ (%S+) (%S+)() (%S+)', line)
    if otpmux_code then
      first = first or was == 'i'
      if state == 'u' and delivery ~= '-' then
        state = 'a'
      end
      local latest = (reference ~= '-' and reference or known)
        .. ' ' .. (terms ~= '-' and terms or before)
      text = replace(text, line + 1, rest, state .. otpmux_code .. ' ' .. failure .. ' ' .. latest)
      if hash ~= '-' then
        references = references or {}
        references[hash] = place
      end
    end
  end
  return text, first, references
end

-- Writes the references of a record, which live as long as it does.
local function write_references(references)
  local prefix = reference_prefix()
  local id, left = string.sub(KEYS[1], -${id.width}), redis.call('PTTL', KEYS[1])
  for hash, place in pairs(references) do
    redis.call('SET', prefix .. hash, id .. ' ' .. place, 'PX', left)
  end
end

-- Returns the position of the line before that of the send attempt with this key, and of the end of
-- its line.
local function attempt_of(text, attempt)
  local key = string.match(attempt, '"key":"[^"]*"')
  local place = string.find(text, key, ${second_line}, true)
  local line = place and string.find(text, '\n', ${second_line}, true)
  while line do
    local following = next_attempt(text, line)
    if following and place < following then
      return line, following
    end
    line = following
  end
end

-- Returns a record's text with a given-up send attempt marked as not sent; and whether it was there
-- without an end.
local function with_lost(text, attempt)
  local line, following = attempt_of(text, attempt)
  if line then
    if string.byte(text, line + 1) ~= ${byte.intended} then
      return text, false
    end
    return replace(text, line + 1, following, attempt), true
  end
  local after = string.find(text, '\n\n', ${second_line}, true)
  return replace(text, after, after, '\n' .. attempt), false
end

-- Writes a record whose send attempts have changed, with further skips before its second empty
-- line. Its key keeps its time to live here and at every later write.
local function write_attempts(key, text, skips)
  if skips ~= '' then
    local after_attempts = string.find(text, '\n\n', ${second_line}, true)
    local place = string.find(text, '\n\n', after_attempts + 1, true) + 1
    text = replace(text, place, place, skips)
  end
  redis.call('SET', key, text, 'KEEPTTL')
end
