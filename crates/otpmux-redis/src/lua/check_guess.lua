-- KEYS: the record, or the keys that may hold its id; the guess's name, if it has one.
-- ARGV from 2: the expected purpose and the recipient in every form that it may have, separated by
-- spaces, if anything is expected; the guesser's own windows of guesses; the windows of all; who
-- guesses; how the record is selected (1 by its id, 2 by its recipient, 3 by an external id) and,
-- if the guess has a name, what is guessed; each form that the code may have, as key and HMAC.
local expected, own, total, how = ARGV[2], ARGV[3], ARGV[4], ARGV[6]
local content = string.match(how, ' (%x+)')
local named = content and KEYS[#KEYS]

local key, text, state, expires_at = KEYS[1], nil, nil, nil
local known, said, number, counted_at, id
if named then
  known, said, number, counted_at, id = named_guess(named)
end
local by = string.byte(how) - ${byte.zero}
if by == 1 then
  text, state, expires_at = read(key)
else
  local records = string.match(key, '^{[^}]*}:') .. 'verification:'
  if id then
    -- It was counted before, perhaps at a record that is no longer the newest.
    key = records .. id
    text, state, expires_at = read(key)
  end
  if not text then
    known, said = nil, nil
    for i = 1, named and #KEYS - 1 or #KEYS do
      local found = redis.call('GET', KEYS[i])
      if found then
        local its_text, its_state, its_end = read(records .. found)
        -- One that has failed has released its external id.
        if its_text and by == 3 and its_state == 'c' and not may_have_sent(its_text, '[01]') then
          its_text = nil
        end
        if its_text and (not text or its_end > expires_at) then
          key, text, state, expires_at = records .. found, its_text, its_state, its_end
        end
      end
    end
  end
end
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
id = string.sub(key, -${id.width})
if known and known ~= content then
  return {'key_reused'}
elseif said == 'a' then
  return {'approved', id}
elseif said == 'w' then
  return {'wrong_code', id, tonumber(number)}
end
local verdict = over(state, expires_at)
if verdict then
  return {verdict, id}
end
if said then
  -- It was counted before: its vendors are asked again.
  keep_guess(named, key, content, 'p', number + 1, counted_at)
  return {'ask_vendors', id, text}
end
local guesses, max_guesses = string.match(text, '^. (%d+) (%d+)')
local left = max_guesses - guesses
if left <= 0 then
  return {'too_many_guesses', id}
end
local own_key, total_key = guesses_keys(key, text, ARGV[5])
local wait, _, hits = full(own_key, own)
if total ~= '-' then
  local other = full(total_key, total)
  if other and other > (wait or 0) then
    wait = other
  end
end
if wait then
  return {'too_many_guesses', id, wait}
end

-- A comparison that ends at the first difference reveals nothing here: both sides are HMACs, and a
-- guesser does not have the key, so cannot choose bytes to probe with. A record without a code has
-- `-` in the places of key and HMACs, and no key is `-`.
local code_key, by_id, by_recipient, by_external =
  string.match(text, '^%S+ %S+ %S+ (%S+) (%S+) (%S+) (%S+)', ${second_line})
local code = code_key .. ' ' .. (by == 1 and by_id or by == 2 and by_recipient or by_external)
local right = false
for i = 7, #ARGV do
  right = right or ARGV[i] == code
end
right = right and may_have_sent(text, '1')

-- Every guess is counted, whatever its verdict.
redis.call('SETRANGE', key, '${state.offset}', string.format('%s %0${guesses.width}d', right and 'a' or 'p', guesses + 1))
if right then
  if hits > 0 then
    redis.call('DEL', own_key)
  end
  if named then
    keep_guess(named, key, content, 'a', 0, 0)
  end
  return {'approved', id}
end
hit(own_key, own)
hit(total_key, total)
if may_have_sent(text, '0') then
  if named then
    keep_guess(named, key, content, 'p', 1, ARGV[1])
  end
  return {'ask_vendors', id, redis.call('GET', key)}
end
if named then
  keep_guess(named, key, content, 'w', left - 1, 0)
end
return {'wrong_code', id, left - 1}
