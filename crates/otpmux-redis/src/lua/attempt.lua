-- KEYS: the record.
-- ARGV from 2: the recipient that is expected, in every form that it may have, between spaces; the
-- purpose; the windows of guesses; each form that the code may have: key and HMAC, between spaces.
local recipients, purpose, windows = ARGV[2], ARGV[3], ARGV[4]

local record = read(KEYS[1])
if not record then
  return {'not_found'}
end
local text = record.text
-- To whoever expects another recipient or purpose, this verification does not exist.
if recipients ~= '-' and not string.find(recipients, ' ' .. string.sub(text, 64, 127) .. ' ', 1, true)
  or purpose ~= '-' and purpose ~= string.match(text, '^%S+ (%S+)', 129) then
  return {'not_found'}
end
local verdict = over(record)
if verdict then
  return {verdict}
end
local attempts = tonumber(string.sub(text, 3, 12))
local left = tonumber(string.sub(text, 14, 23)) - attempts
if left <= 0 then
  return {'too_many_attempts'}
end
local guesses = recipients_key('guesses', record)
local wait, _, hits = full(guesses, windows)
if wait then
  return {'too_many_attempts', wait}
end

-- A comparison that ends at the first difference gives nothing away here: both sides are HMACs, and
-- whoever guesses does not have their key, so cannot choose bytes to feel the way with. A record
-- without a code has `- -`, and no key is `-`; nor can other words of the second line be a key and an
-- HMAC.
local right = false
for i = 5, #ARGV do
  local place = string.find(text, ARGV[i], 129, true)
  right = right or place and place < record.legs_at
end
right = right and may_have_sent(record, '1')

-- Every guess is counted, whatever comes of it.
redis.call('SETRANGE', KEYS[1], '0', string.format('%s %010d', right and 'a' or 'p', attempts + 1))
if right then
  if hits > 0 then
    redis.call('DEL', guesses)
  end
  return {'approved'}
end
hit(guesses, windows)
if may_have_sent(record, '0') then
  return {'ask_vendors', redis.call('GET', KEYS[1])}
end
return {'wrong_code', left - 1}
