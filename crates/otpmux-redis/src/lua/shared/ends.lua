-- How legs ended, and what was passed over since.

-- The ends among the arguments, from their number on: each is a leg's place, its state, why it failed
-- and its reference. No such leg is no error. A reference stays until there is a newer one.
local function note_ends(record, at)
  for i = at + 1, at + ARGV[at] do
    local place, state, failure, reference = string.match(ARGV[i], '^(%d+) (%S+) (%S+) (%S+)$')
    local leg = -1
    record.legs = string.gsub(record.legs, '\n.([01]) (%S+) (%S+) ', function(supplied, _, known)
      leg = leg + 1
      if leg == tonumber(place) then
        local latest = reference ~= '-' and reference or known
        return '\n' .. state .. supplied .. ' ' .. failure .. ' ' .. latest .. ' '
      end
    end)
  end
end

-- Writes a record whose legs have changed, with further skips before its second empty line.
-- `resends` are the words after the attempts; left out, they stay.
local function write_legs(key, record, skips, resends)
  local text = record.text
  local line_end = string.find(text, '\n', record.after_attempts_at, true)
  local rest
  if skips == '' then
    rest = string.sub(text, record.after_legs_at)
  else
    local place = string.find(text, '\n\n', record.after_legs_at + 1, true)
    rest = string.sub(text, record.after_legs_at, place) .. skips .. string.sub(text, place + 1)
  end
  redis.call('SET', key,
    record.state .. ' ' .. record.attempts
    .. (resends or string.sub(text, record.after_attempts_at, line_end - 1))
    .. string.sub(text, line_end, record.legs_at - 1) .. record.legs .. rest,
    'KEEPTTL')
end
