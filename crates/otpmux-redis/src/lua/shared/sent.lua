-- Returns whether a send attempt may have sent a message (it is intended, accepted or unknown): one
-- with a code that otpmux generated ('[IAU]'), without it ('[iau]'), or any ('[IAUiau]').
local function may_have_sent(text, letters)
  local first, last = field(text, ${fields.at})
  return string.find(string.sub(text, first, last), letters) ~= nil
end
