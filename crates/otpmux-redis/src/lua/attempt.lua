-- KEYS: the record.
local expected
if text() == '1' then
  expected = {}
  for _ = 1, text() do
    expected[text()] = true
  end
end
local purpose = maybe()
local forms = {}
for _ = 1, text() do
  local key = text()
  forms[key] = text()
end
local windows = take_windows()

local record = read(KEYS[1])
if not record then
  return {'not_found'}
end
local its_recipient, its_purpose, code_key, code_mac =
  string.match(record.text, '^(%x+) %S+ (%S+) (%S+) (%S+)', record.at.recipient)
-- To whoever expects another recipient or purpose, this verification does not exist.
if expected and not expected[its_recipient] or purpose and purpose ~= its_purpose then
  return {'not_found'}
end
local verdict = over(record)
if verdict then
  return {verdict}
end
if record.attempts >= record.max_attempts then
  return {'too_many_attempts'}
end
local guesses = recipients_key('guesses', record)
local wait, _, hits = full(guesses, windows)
if wait then
  return {'too_many_attempts', wait}
end

-- Counted before anything is compared, whatever comes of it.
record.attempts = record.attempts + 1

-- A comparison that ends at the first difference gives nothing away here: both sides are HMACs, and
-- whoever guesses does not have their key, so cannot choose bytes to feel the way with.
local mac = code_key and forms[code_key]
if mac and mac == code_mac and may_have_sent(record, '1') then
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
return {'wrong_code', record.max_attempts - record.attempts}
