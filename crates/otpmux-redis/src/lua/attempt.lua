-- KEYS: the record.
local expected
if number() == 1 then
  expected = {}
  for _ = 1, number() do
    expected[text()] = true
  end
end
local purpose = maybe()
local forms = {}
for _ = 1, number() do
  local key = text()
  forms[key] = text()
end
local windows = take_windows()

local record = read(KEYS[1])
-- To whoever expects another recipient or purpose, this verification does not exist.
if not record
  or expected and not expected[record.recipient]
  or purpose and purpose ~= record.purpose then
  return {'not_found'}
end
local verdict = over(record)
if verdict then
  return {verdict}
end
if locked(record) then
  return {'too_many_attempts'}
end
local guesses = recipients_key('guesses', record)
local wait = full(guesses, windows)
if wait then
  return {'too_many_attempts', wait}
end

-- Counted before anything is compared, whatever comes of it.
local attempts = redis.call('HINCRBY', KEYS[1], 'attempts', 1)

-- A comparison that ends at the first difference gives nothing away here: both sides are HMACs, and
-- whoever guesses does not have their key, so cannot choose bytes to feel the way with.
local form = record.code_key and forms[record.code_key]
if form and form == record.code_mac and may_have_sent(record, '1') then
  write(KEYS[1], record, 'state', 'approved')
  redis.call('DEL', guesses)
  return {'approved'}
end

hit(guesses, windows)
if may_have_sent(record, '0') then
  return {'ask_vendors', redis.call('HGETALL', KEYS[1])}
end
return {'wrong_code', record.max_attempts - attempts}
