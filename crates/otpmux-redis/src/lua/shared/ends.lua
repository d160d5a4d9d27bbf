-- How legs ended, and what was passed over since.

-- Puts words in the place of a record's text from one place to before another. Where legs end moves
-- along.
local function replace(record, from, to, words)
  record.text = string.sub(record.text, 1, from - 1) .. words .. string.sub(record.text, to)
  if from <= record.after_legs_at then
    record.after_legs_at = record.after_legs_at + #words - (to - from)
  end
end

-- The ends among the arguments, from their number on: each is a leg's place, its state, why it failed
-- and its reference. No such leg is no error. A reference stays until there is a newer one.
local function note_ends(record, at)
  for i = at + 1, at + ARGV[at] do
    local place, state, failure, reference = string.match(ARGV[i], '^(%d+) (%S+) (%S+) (%S+)$')
    local line = record.legs_at
    for _ = 1, place do
      line = string.find(record.text, '\n', line + 1, true) or record.after_legs_at
    end
    local supplied, known, rest = string.match(record.text, '^\n.([01]) %S+ (%S+)()', line)
    if supplied then
      local latest = reference ~= '-' and reference or known
      replace(record, line, rest, '\n' .. state .. supplied .. ' ' .. failure .. ' ' .. latest)
    end
  end
end

-- Writes a record whose legs have changed, with further skips before its second empty line. Its key
-- keeps its time to live here and whenever it is written.
local function write_legs(key, record, skips)
  if skips ~= '' then
    local place = string.find(record.text, '\n\n', record.after_legs_at + 1, true) + 1
    replace(record, place, place, skips)
  end
  redis.call('SET', key, record.text, 'KEEPTTL')
end
