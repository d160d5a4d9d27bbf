-- The end of the next line of a leg, after the line that ends here; nothing after the last leg, which an
-- empty line follows.
local function next_leg(text, line)
  if string.byte(text, line + 1) ~= 10 then
    return string.find(text, '\n', line + 1, true)
  end
end

-- Whether a leg may have sent a message (it is intended, accepted or unknown): one with the code of
-- ours ('1'), without it ('0'), or any ('[01]').
local function may_have_sent(text, supplied)
  local leg = '^\n[iau]' .. supplied
  local line = string.find(text, '\n', 129, true)
  while line do
    if string.find(text, leg, line) then
      return true
    end
    line = next_leg(text, line)
  end
  return false
end
