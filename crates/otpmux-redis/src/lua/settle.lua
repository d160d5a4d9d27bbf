-- KEYS: the record; health.
local news = take_news()
local ends = take_ends()
local skips = text()
local close = number() == 1
local refund = maybe()

local record = read(KEYS[1])

learn(KEYS[2], news)
if not record then
  return {'closed'}
end
write_ends(KEYS[1], record, ends, skips)
if close and record.state == 'pending' and not may_have_sent(record) then
  write(KEYS[1], record, 'state', 'closed')
end
if refund then
  redis.call('LREM', recipients_key('recipient', record), 1, refund)
end
return {record.state}
