-- How legs ended, and what was passed over since.

local function take_ends()
  local ends = {}
  for i = 1, text() do
    local leg = tonumber(text())
    local state = text()
    local failure = text()
    ends[i] = {leg = leg, state = state, failure = failure, reference = text()}
  end
  return ends
end

-- No such leg is no error. A reference stays until there is a newer one.
local function note_ends(record, ends)
  for _, ended in ipairs(ends) do
    local leg = -1
    record.legs = string.gsub(record.legs, '\n.([01]) (%S+) (%S+) ', function(supplied, _, known)
      leg = leg + 1
      if leg == ended.leg then
        local reference = ended.reference ~= '-' and ended.reference or known
        return '\n' .. ended.state .. supplied .. ' ' .. ended.failure .. ' ' .. reference .. ' '
      end
    end)
  end
end

-- Writes a record whose legs have changed, with further skips before its second empty line.
-- `resends` are the words after the attempts; left out, they stay.
local function write_legs(key, record, skips, resends)
  local whole, at = record.text, record.at
  local after_resends = string.find(whole, '\n', at.after_attempts, true)
  local rest
  if skips == '' then
    rest = string.sub(whole, at.after_legs)
  else
    local place = string.find(whole, '\n\n', at.after_legs + 1, true)
    rest = string.sub(whole, at.after_legs, place) .. skips .. string.sub(whole, place + 1)
  end
  redis.call('SET', key,
    record.state .. ' ' .. string.format('%010d', record.attempts)
    .. (resends or string.sub(whole, at.after_attempts, after_resends - 1))
    .. string.sub(whole, after_resends, at.legs - 1) .. record.legs .. rest,
    'KEEPTTL')
end
