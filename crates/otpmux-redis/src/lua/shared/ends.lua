-- How legs ended, and what was passed over since.

-- Puts words in the place of a text from one place to before another.
local function replace(text, from, to, words)
  return string.sub(text, 1, from - 1) .. words .. string.sub(text, to)
end

-- A record's text with the ends of its legs, one in each line: a leg's place, its state, why it failed,
-- its reference, and what is known of a vendor's code; and whether one of them has had no end before.
-- No such leg is no error. The last two of a leg stay until there is a newer one.
local function with_ends(text, ends)
  local first = false
  for place, state, failure, reference, terms in
    string.gmatch(ends, '(%d+) (%S+) (%S+) (%S+) (%S+)\n') do
    local line = string.find(text, '\n', 129, true)
    for _ = 1, place do
      local following = next_leg(text, line)
      if not following then
        break
      end
      line = following
    end
    local was, supplied, known, before, rest =
      string.match(text, '^\n(.)([01]) %S+ (%S+) (%S+)()', line)
    if supplied then
      first = first or was == 'i'
      local latest = (reference ~= '-' and reference or known)
        .. ' ' .. (terms ~= '-' and terms or before)
      text = replace(text, line + 1, rest, state .. supplied .. ' ' .. failure .. ' ' .. latest)
    end
  end
  return text, first
end

-- The place of the line before that of the leg which has the key of this one, and the end of its line.
local function leg_of(text, leg)
  local key = string.match(leg, '"key":"[^"]*"')
  local place = string.find(text, key, 129, true)
  local line = place and string.find(text, '\n', 129, true)
  while line do
    local following = next_leg(text, line)
    if following and place < following then
      return line, following
    end
    line = following
  end
end

-- A record's text with a leg that was given up, as not sent; and whether it was there without an end.
local function with_lost(text, leg)
  local line, following = leg_of(text, leg)
  if line then
    if string.byte(text, line + 1) ~= 105 then
      return text, false
    end
    return replace(text, line + 1, following, leg), true
  end
  local after = string.find(text, '\n\n', 129, true)
  return replace(text, after, after, '\n' .. leg), false
end

-- Writes a record whose legs have changed, with further skips before its second empty line. Its key
-- keeps its time to live here and whenever it is written.
local function write_legs(key, text, skips)
  if skips ~= '' then
    local after_legs = string.find(text, '\n\n', 129, true)
    local place = string.find(text, '\n\n', after_legs + 1, true) + 1
    text = replace(text, place, place, skips)
  end
  redis.call('SET', key, text, 'KEEPTTL')
end
