-- KEYS: the record; health, where there are news.
-- ARGV from 2: the ends; skips; whether to close (1), and the hit to take back; news.
local ends, skips, closing = ARGV[2], ARGV[3], ARGV[4]

local text, state = read(KEYS[1])

if KEYS[2] then
  learn(KEYS[2], 5)
end
if not text then
  return {'c'}
end
text = with_ends(text, ends)
local close, refund = string.sub(closing, 1, 1), string.sub(closing, 3)
if close == '1' and state == 'p' and not may_have_sent(text, '[01]') then
  state = 'c'
  text = replace(text, 1, 2, state)
end
write_legs(KEYS[1], text, skips)
if refund ~= '-' then
  redis.call('LREM', recipients_key('recipient', text), 1, refund)
end
return {state}
