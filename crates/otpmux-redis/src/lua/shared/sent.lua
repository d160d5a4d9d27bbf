-- Returns the end of the send attempt's line after the line that ends here; nothing after the last
-- send attempt, which an empty line follows.
local function next_attempt(text, line)
  if string.byte(text, line + 1) ~= ${byte.line_end} then
    return string.find(text, '\n', line + 1, true)
  end
end

-- Returns whether a send attempt may have sent a message (it is intended, accepted or unknown): one
-- with a code that otpmux generated ('1'), without it ('0'), or any ('[01]').
local function may_have_sent(text, otpmux_code)
  local attempt = '^\n[iau]' .. otpmux_code
  local line = string.find(text, '\n', ${second_line}, true)
  while line do
    if string.find(text, attempt, line) then
      return true
    end
    line = next_attempt(text, line)
  end
  return false
end
