-- KEYS: the record; the hash of its named guesses, if this guess has a name.
-- ARGV from 2: the expected purpose and the recipient in every form that it may have, separated by
-- spaces, if anything is expected; the guesser's own windows of guesses; the windows of all; who
-- guesses; each form that the code may have, as key and HMAC, separated by spaces; then the guess's
-- name and content.
local expected, own, total, named = ARGV[2], ARGV[3], ARGV[4], KEYS[2]

local text, state, expires_at = read(KEYS[1])
if not text then
  return {'not_found'}
end
-- For a caller that expects another recipient or purpose, this verification does not exist.
if expected ~= '-' then
  local purpose, recipients = string.match(expected, '^(%S+)(.*)$')
  if purpose ~= '-' and purpose ~= string.match(text, '^%S+ (%S+)', ${second_line})
    or recipients ~= '' and not string.find(recipients, ' ' .. string.sub(text, ${recipient.at}, ${recipient.last}) .. ' ', 1, true) then
    return {'not_found'}
  end
end
local name, content, known, said, number, counted_at
if named then
  name, content, known, said, number, counted_at = named_guess(named, ARGV[#ARGV])
  if known and known ~= content then
    return {'key_reused'}
  elseif said == 'a' then
    return {'approved'}
  elseif said == 'w' then
    return {'wrong_code', tonumber(number)}
  end
end
local verdict = over(state, expires_at)
if verdict then
  return {verdict}
end
if said then
  -- It was counted before: its vendors are asked again.
  keep_guess(named, name, content, 'p', number + 1, counted_at)
  return {'ask_vendors', text}
end
local guesses, max_guesses = string.match(text, '^. (%d+) (%d+)')
local left = max_guesses - guesses
if left <= 0 then
  return {'too_many_guesses'}
end
local own_key, total_key = guesses_keys(text, ARGV[5])
local wait, _, hits = full(own_key, own)
if total ~= '-' then
  local other = full(total_key, total)
  if other and other > (wait or 0) then
    wait = other
  end
end
if wait then
  return {'too_many_guesses', wait}
end

-- A comparison that ends at the first difference reveals nothing here: both sides are HMACs, and a
-- guesser does not have the key, so cannot choose bytes to probe with. A record without a code has
-- `- -`, and no key is `-`; no other words of the second line can be a key and an HMAC.
local right = false
local attempts_at = string.find(text, '\n', ${second_line}, true)
for i = 6, named and #ARGV - 1 or #ARGV do
  local place = string.find(text, ARGV[i], ${second_line}, true)
  right = right or place and place < attempts_at
end
right = right and may_have_sent(text, '1')

-- Every guess is counted, whatever its verdict.
redis.call('SETRANGE', KEYS[1], '${state.offset}', string.format('%s %0${guesses.width}d', right and 'a' or 'p', guesses + 1))
if right then
  if hits > 0 then
    redis.call('DEL', own_key)
  end
  if named then
    keep_guess(named, name, content, 'a', 0, 0)
  end
  return {'approved'}
end
hit(own_key, own)
hit(total_key, total)
if may_have_sent(text, '0') then
  if named then
    keep_guess(named, name, content, 'p', 1, ARGV[1])
  end
  return {'ask_vendors', redis.call('GET', KEYS[1])}
end
if named then
  keep_guess(named, name, content, 'w', left - 1, 0)
end
return {'wrong_code', left - 1}
