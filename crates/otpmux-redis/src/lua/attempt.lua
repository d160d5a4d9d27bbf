-- KEYS: the record.
-- ARGV from 2: what is expected, if anything: the purpose, and the recipient in every form that it may
-- have, each between spaces; the windows of guesses; each form that the code may have: key and HMAC,
-- between spaces.
local expected, windows = ARGV[2], ARGV[3]

local text, state, expires_at = read(KEYS[1])
if not text then
  return {'not_found'}
end
-- To whoever expects another recipient or purpose, this verification does not exist.
if expected ~= '-' then
  local purpose, recipients = string.match(expected, '^(%S+)(.*)$')
  if purpose ~= '-' and purpose ~= string.match(text, '^%S+ (%S+)', 129)
    or recipients ~= '' and not string.find(recipients, ' ' .. string.sub(text, 64, 127) .. ' ', 1, true) then
    return {'not_found'}
  end
end
local verdict = over(state, expires_at)
if verdict then
  return {verdict}
end
local attempts, max_attempts = string.match(text, '^. (%d+) (%d+)')
local left = max_attempts - attempts
if left <= 0 then
  return {'too_many_attempts'}
end
local guesses = recipients_key('guesses', text)
local wait, _, hits = full(guesses, windows)
if wait then
  return {'too_many_attempts', wait}
end

-- A comparison that ends at the first difference gives nothing away here: both sides are HMACs, and
-- whoever guesses does not have their key, so cannot choose bytes to feel the way with. A record
-- without a code has `- -`, and no key is `-`; nor can other words of the second line be a key and an
-- HMAC.
local right = false
local legs_at = string.find(text, '\n', 129, true)
for i = 4, #ARGV do
  local place = string.find(text, ARGV[i], 129, true)
  right = right or place and place < legs_at
end
right = right and may_have_sent(text, '1')

-- Every guess is counted, whatever comes of it.
redis.call('SETRANGE', KEYS[1], '0', string.format('%s %010d', right and 'a' or 'p', attempts + 1))
if right then
  if hits > 0 then
    redis.call('DEL', guesses)
  end
  return {'approved'}
end
hit(guesses, windows)
if may_have_sent(text, '0') then
  return {'ask_vendors', redis.call('GET', KEYS[1])}
end
return {'wrong_code', left - 1}
