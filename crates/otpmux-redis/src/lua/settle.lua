-- KEYS: the record; health.
-- ARGV from 2: skips; whether to close (1); the hit to take back; the number of ends, and the ends;
-- news.
local skips, close, refund = ARGV[2], ARGV[3], ARGV[4]
local news = 6 + ARGV[5]

local record = read(KEYS[1])

learn(KEYS[2], news, #ARGV - news + 1)
if not record then
  return {'c'}
end
note_ends(record, 5)
if close == '1' and record.state == 'p' and not may_have_sent(record) then
  record.state = 'c'
end
write_legs(KEYS[1], record, skips)
if refund ~= '-' then
  redis.call('LREM', recipients_key('recipient', record), 1, refund)
end
return {record.state}
