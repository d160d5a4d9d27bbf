-- KEYS: the record; health, if there are health updates; then one for each hit to remove.
-- ARGV from 2: the ends; skips; the sum of 1 (close) and 2 (a step was lost), and the time of each
-- hit to remove; the lost step, if there is one; health updates.
local ends, skips, closing = ARGV[2], ARGV[3], ARGV[4]
local flags, health_updates = string.byte(closing) - ${byte.zero}, 5
-- The lost step: a send attempt, or for a lost creation how long it stays forbidden.
local lost
if flags >= 2 then
  flags, health_updates, lost = flags - 2, 6, ARGV[5]
end

local text, state = read(KEYS[1])
local refund = #KEYS
local first, references, live, newest, id, its_state, expires_at
if text then
  text, first, references = with_ends(text, ends)
  if lost and not tonumber(lost) then
    local begun
    text, begun = with_lost(text, lost)
    first = first or begun
  elseif ends == '' then
    first = true
  end
  if flags == 1 and state ~= 'a' and not may_have_sent(text, '[01]') then
    state = 'c'
    text = replace(text, ${state.at}, ${state.after}, state)
    live, newest, id, its_state, expires_at = uncovered(text)
  end
elseif lost and tonumber(lost) then
  redis.call('SET', KEYS[1], '-', 'PX', lost)
end

if #ARGV >= health_updates then
  learn(KEYS[2], health_updates)
end
if not text then
  return {'c'}
end
write_attempts(KEYS[1], text, skips)
if references then
  write_references(references)
end
if live then
  uncover(live, newest, id, its_state, expires_at)
end
if first and #closing > 1 then
  -- The last key belongs to the last time.
  refund = refund - select(2, string.gsub(closing, ' ', ''))
  for at in string.gmatch(closing, ' (%d+)') do
    refund = refund + 1
    redis.call('LREM', KEYS[refund], 1, at)
  end
end
return {state}
