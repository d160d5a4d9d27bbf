-- KEYS: the record; the guess's name, if it has one.
-- ARGV from 2: who guesses; when the guess was counted, if it was; what is guessed, if it has a name.
local named, counted_at, content = KEYS[2], ARGV[3], ARGV[4]

local text, state, expires_at = read(KEYS[1])
if not text then
  return 'not_found'
end
local known, said, _, at, id
if named then
  known, said, _, at, id = named_guess(named)
  if known ~= content or id ~= string.sub(KEYS[1], -${id.width}) then
    said = nil
  end
end
local verdict = over(state, expires_at)
if verdict then
  -- Another call under the same name came first.
  return said == 'a' and 'approved' or verdict
end
if said == 'p' then
  counted_at = at
end
-- Its code is of no use any more.
local _, states_end = field(text, ${fields.at})
local _, code_end = field(text, states_end + 1)
text = string.sub(text, 1, ${version.at}) .. 'a' .. string.sub(text, ${state.after}, states_end)
  .. '\0' .. string.sub(text, code_end + 1)
redis.call('SET', KEYS[1], text, 'KEEPTTL')
if string.byte(text, ${watched.at}) == 1 then
  leave(KEYS[1], text, true)
end
if string.byte(text, ${events.at}) == 1 then
  happened(KEYS[1], text, 'a')
end
local own, total = guesses_keys(KEYS[1], text, ARGV[2])
redis.call('DEL', own)
if counted_at ~= '' then
  take_back(total, counted_at)
end
if named then
  keep_guess(named, KEYS[1], content, 'a', 0)
end
return 'approved'
