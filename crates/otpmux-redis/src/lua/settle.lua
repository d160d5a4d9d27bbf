-- KEYS: the record; health.
local news = take_news()
local ends = take_ends()
local skips = text()
local close = text() == '1'
local refund = maybe()

local record = read(KEYS[1])

learn(KEYS[2], news)
if not record then
  return {'c'}
end
note_ends(record, ends)
if close and record.state == 'p' and not may_have_sent(record) then
  record.state = 'c'
end
write_legs(KEYS[1], record, skips)
if refund then
  redis.call('LREM', recipients_key('recipient', record), 1, refund)
end
return {record.state}
