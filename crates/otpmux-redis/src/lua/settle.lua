-- KEYS: the record; health, where there are news; then one for each hit to take back.
-- ARGV from 2: the ends; skips; whether to close (1), and the time of each hit to take back; news.
local ends, skips, closing = ARGV[2], ARGV[3], ARGV[4]

local text, state = read(KEYS[1])
local refund = #KEYS
local first, live, newest, id, its_state, expires_at
if text then
  text, first = with_ends(text, ends)
  if string.byte(closing) == 49 and state ~= 'a' and not may_have_sent(text, '[01]') then
    state = 'c'
    text = replace(text, 1, 2, state)
    live, newest, id, its_state, expires_at = uncovered(text)
  end
end

if #ARGV > 4 then
  learn(KEYS[2], 5)
end
if not text then
  return {'c'}
end
write_legs(KEYS[1], text, skips)
if live then
  uncover(live, newest, id, its_state, expires_at)
end
if #closing > 1 and (first or ends == '') then
  -- The last key is that of the last time.
  refund = refund - select(2, string.gsub(closing, ' ', ''))
  for at in string.gmatch(closing, ' (%d+)') do
    refund = refund + 1
    redis.call('LREM', KEYS[refund], 1, at)
  end
end
return {state}
