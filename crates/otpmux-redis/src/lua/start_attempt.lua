-- KEYS: the record; health; then one for each hit.
-- ARGV from 2: the ends; the entries of skips; the send attempt; for a resend, the most resends (4
-- bytes) and when the next one may come (6); health updates, if there are any; then the hits.
local ends, skips, attempt, terms = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local text, state, expires_at = read(KEYS[1])
local logs = held(3, 3, 7)
local full_limit_hit = limited(logs, 0, 3, 7)

if ARGV[6] ~= '' then
  learn(KEYS[2], 6)
end
if not text then
  return {'over', 'not_found'}
end
local _, references
text, _, references = with_ends(text, ends)
text = text .. skips

-- The send attempt was given up before this call arrived.
local given_up = attempt_of(text, attempt) and {'over', 'not_found'}

-- Returns why there is no send attempt, if so; and the record's bytes about resends if there is one.
local function refusal()
  local verdict = over(state, expires_at)
  if verdict then
    return {'over', verdict}
  end
  if terms == '' then
    return full_limit_hit or given_up
  end
  local guesses, max_guesses = struct.unpack('>I4I4', text, ${guesses.at})
  if guesses >= max_guesses then
    return {'over', 'too_many_guesses'}
  end
  local resends, after = struct.unpack('>I4I6', text, ${resends.at})
  if resends >= struct.unpack('>I4', terms) then
    return {'too_many'}
  end
  if after > now then
    return {'too_soon', after - now}
  end
  return full_limit_hit or given_up, struct.pack('>I4', resends + 1) .. string.sub(terms, 5)
end

-- The ends of the other send attempts are written all the same.
local refused, resends = refusal()
local place
if not refused then
  text, place = with_attempt(text, attempt)
  if resends then
    text = replace(text, ${resends.at}, ${resend_after.after}, resends)
  end
end
write(KEYS[1], text)
if references then
  write_references(references)
end
if refused then
  return refused
end
hit_all(logs, 0, 3, 7)
return {'attempt', place}
