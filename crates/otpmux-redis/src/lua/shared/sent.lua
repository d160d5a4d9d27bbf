-- Whether a leg may have sent a message (it is intended, accepted or unknown): one with the code of
-- ours ('1'), without it ('0'), or any ('[01]').
local function may_have_sent(record, supplied)
  local line = record.legs_at
  while line < record.after_legs_at do
    if string.find(record.text, '^\n[iau]' .. supplied, line) then
      return true
    end
    line = string.find(record.text, '\n', line + 1, true)
  end
  return false
end
