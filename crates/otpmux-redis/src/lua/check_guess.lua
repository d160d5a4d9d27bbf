-- KEYS: the record, or the keys that may hold its id; the guess's name, if it has one.
-- ARGV from 2: what is expected, nothing or: whether a purpose is, whether a recipient is (1 byte each),
-- the purpose as a field, and the recipient in every form that it may have (32 bytes each); the
-- guesser's own windows of guesses; the windows of all; how the record is selected (1 byte: 1 by its id,
-- 2 by its recipient, 3 by an external id), whether the guess has a name (1), who guesses (16), if it has
-- a name what is guessed (16), and if it is selected by its recipient the purpose, as a field; each form
-- that the code may have, as HMAC and key.
local expected, own, total, how = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local by, with_name = string.byte(how, 1, 2)
local who = string.sub(how, 3, 2 + 2 * ${guesser.width})
local named, content
if with_name == 1 then
  named, content = KEYS[#KEYS], string.sub(how, 3 + 2 * ${guesser.width}, 2 + 2 * ${guesser.width} + ${hash.width})
end

local key, text, state, expires_at = KEYS[1], nil, nil, nil
local known, said, number, counted_at, id
if named then
  known, said, number, counted_at, id = named_guess(named)
end
if by == 1 then
  text, state, expires_at = read(key)
else
  local records = string.match(key, '^{[^}]*}:') .. 'v'
  if id then
    -- It was counted before, perhaps at a record that is no longer the newest.
    key = records .. id
    text, state, expires_at = read(key)
  end
  if not text then
    known, said = nil, nil
    for i = 1, named and #KEYS - 1 or #KEYS do
      local found = redis.call('GET', KEYS[i])
      if found and by == 2 then
        local purpose = string.sub(how, 3 + 2 * ${guesser.width} + (named and ${hash.width} or 0))
        found = newest_of((parts(found)), purpose)
      end
      if found then
        local its_text, its_state, its_end = read(records .. found)
        -- One that has failed has released its external id.
        if its_text and by == 3 and its_state == ${byte.closed} and not may_have_sent(its_text, '[IAUiau]') then
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
  return 'not_found'
end
-- For a caller that expects another recipient or purpose, this verification does not exist.
if expected ~= '' then
  local with_purpose, with_recipient = string.byte(expected, 1, 2)
  local first, last = field(expected, 3)
  if with_purpose == 1 then
    local its_first, its_last = field_after(text, ${fields.purpose})
    if string.sub(text, its_first, its_last) ~= string.sub(expected, first, last) then
      return 'not_found'
    end
  end
  if with_recipient == 1 then
    local recipient = string.sub(text, ${recipient.at}, ${recipient.last})
    local found = false
    for at = last + 1, #expected, ${recipient.width} do
      found = found or string.sub(expected, at, at + ${recipient.width} - 1) == recipient
    end
    if not found then
      return 'not_found'
    end
  end
end
id = string.sub(key, -${id.width})
if known and known ~= content then
  return 'key_reused'
elseif said == 'a' then
  return {'approved', id}
elseif said == 'w' then
  return {'wrong_code', id, number}
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
local guesses, max_guesses = struct.unpack('>I4I4', text, ${guesses.at})
local left = max_guesses - guesses
if left <= 0 then
  return {'too_many_guesses', id}
end

-- What the windows hold: nothing for a long log, `false` where there are no hits.
local own_key, total_key = guesses_keys(key, text, who)
local own_log, total_log = unpack(redis.call('MGET', own_key, total_key))
local wait = own_log and own ~= '' and full(own_key, own_log, own)
local other = total_log and total ~= '' and full(total_key, total_log, total)
if other and other > (wait or 0) then
  wait = other
end
if wait then
  return {'too_many_guesses', id, wait}
end

-- A comparison that ends at the first difference reveals nothing here: both sides are HMACs, and a
-- guesser does not have the key, so cannot choose bytes to probe with. A record without a code has
-- nothing to compare with.
local _, states_end = field(text, ${fields.at})
local first, last = field(text, states_end + 1)
local right = false
if first <= last then
  local macs = string.byte(text, first)
  if by <= macs then
    local mac = first + 1 + ${hash.width} * (by - 1)
    local code = string.sub(text, mac, mac + ${hash.width} - 1)
      .. string.sub(text, first + 1 + ${hash.width} * macs, last)
    for i = 6, #ARGV do
      right = right or ARGV[i] == code
    end
    right = right and may_have_sent(text, '[IAU]')
  end
end

-- Every guess is counted, whatever its verdict.
local counted = struct.pack('>I4', guesses + 1)
if right then
  -- Its code is of no use any more.
  text = string.sub(text, 1, ${version.at}) .. 'a' .. counted
    .. string.sub(text, ${guesses.after}, states_end) .. '\0' .. string.sub(text, last + 1)
  local due, due_last
  if string.byte(text, ${watched.at}) == 1 then
    due, due_last = field_after(text, ${fields.due})
    text = string.sub(text, 1, due - 1) .. NEVER .. string.sub(text, due + #NEVER)
  end
  redis.call('SET', key, text, 'KEEPTTL')
  if due then
    follow(key, NEVER)
  end
  if own_log then
    redis.call('DEL', own_key)
  end
  if named then
    keep_guess(named, key, content, 'a', 0)
  end
  if string.byte(text, ${events.at}) == 1 then
    happened(key, text, 'a', nil, nil, due_last)
  end
  return {'approved', id}
end
redis.call('SETRANGE', key, '${guesses.offset}', counted)
if left == 1 and string.byte(text, ${events.at}) == 1 and not may_have_sent(text, '[iau]') then
  happened(key, text, 'x')
end
if own ~= '' then
  hit(own_key, own_log, own, (struct.unpack('>I6', own, 6)))
end
if total ~= '' then
  hit(total_key, total_log, total, (struct.unpack('>I6', total, 6)))
end
if may_have_sent(text, '[iau]') then
  if named then
    keep_guess(named, key, content, 'p', 1, stamp)
  end
  return {'ask_vendors', id, string.sub(text, 1, ${state.at}) .. counted .. string.sub(text, ${guesses.after})}
end
if named then
  keep_guess(named, key, content, 'w', left - 1)
end
return {'wrong_code', id, left - 1}
