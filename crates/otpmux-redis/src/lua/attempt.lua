-- KEYS: the record.
-- ARGV from 2: the recipient that is expected, in every form that it may have, and the purpose; the
-- code in every form that it may have, key and HMAC; the windows of guesses. Forms are between spaces.
local recipients, purpose, codes, windows = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local record = read(KEYS[1])
if not record then
  return {'not_found'}
end
local its_recipient, its_purpose, code =
  string.match(record.text, '^(%x+) %S+ (%S+) (%S+ %S+)', record.recipient_at)
-- To whoever expects another recipient or purpose, this verification does not exist.
if recipients ~= '-' and not string.find(recipients, ' ' .. its_recipient .. ' ', 1, true)
  or purpose ~= '-' and purpose ~= its_purpose then
  return {'not_found'}
end
local verdict = over(record)
if verdict then
  return {verdict}
end
local left = record.max_attempts - record.attempts
if left <= 0 then
  return {'too_many_attempts'}
end
local guesses = recipients_key('guesses', record)
local wait, _, hits = full(guesses, windows)
if wait then
  return {'too_many_attempts', wait}
end

-- Counted before anything is compared, whatever comes of it.
record.attempts = string.format('%010d', record.attempts + 1)

-- A comparison that ends at the first difference gives nothing away here: both sides are HMACs, and
-- whoever guesses does not have their key, so cannot choose bytes to feel the way with. A record
-- without a code has `- -`, and no key is `-`.
if code and string.find(codes, ' ' .. code .. ' ', 1, true) and may_have_sent(record, '1') then
  record.state = 'a'
  write_standing(KEYS[1], record)
  if hits > 0 then
    redis.call('DEL', guesses)
  end
  return {'approved'}
end

write_standing(KEYS[1], record)
hit(guesses, windows)
if may_have_sent(record, '0') then
  return {'ask_vendors', redis.call('GET', KEYS[1])}
end
return {'wrong_code', left - 1}
