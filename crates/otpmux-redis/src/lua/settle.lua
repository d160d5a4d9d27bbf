-- KEYS: the record; health, where there are news.
-- ARGV from 2: skips; whether to close (1); the hit to take back; the number of ends, and the ends;
-- news.
local skips, close, refund = ARGV[2], ARGV[3], ARGV[4]

local record = read(KEYS[1])

local news = 6 + ARGV[5]
if news <= #ARGV then
  learn(KEYS[2], news)
end
if not record then
  return {'c'}
end
note_ends(record, 5)
local state = record.state
if close == '1' and state == 'p' and not may_have_sent(record, '[01]') then
  state = 'c'
  replace(record, 1, 2, state)
end
write_legs(KEYS[1], record, skips)
if refund ~= '-' then
  redis.call('LREM', recipients_key('recipient', record), 1, refund)
end
return {state}
