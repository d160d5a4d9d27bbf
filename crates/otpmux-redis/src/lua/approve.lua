-- KEYS: the record; the hash of its named guesses, if this guess has a name.
-- ARGV from 2: who guesses; when the guess was counted; its name and its content.
local named, counted_at = KEYS[2], ARGV[3]

local text, state, expires_at = read(KEYS[1])
if not text then
  return {'not_found'}
end
local name, content, known, said, _, at
if named then
  name, content, known, said, _, at = named_guess(named, ARGV[4])
  if known ~= content then
    said = nil
  end
end
local verdict = over(state, expires_at)
if verdict then
  -- Another call under the same name came first.
  return {said == 'a' and 'approved' or verdict}
end
if said == 'p' then
  counted_at = at
end
redis.call('SETRANGE', KEYS[1], '${state.offset}', 'a')
local own, total = guesses_keys(text, ARGV[2])
redis.call('DEL', own)
if counted_at ~= '-' then
  redis.call('LREM', total, 1, counted_at)
end
if named then
  keep_guess(named, name, content, 'a', 0, 0)
end
return {'approved'}
