-- KEYS: the record; health; then one for each hit.
-- ARGV from 2: the ends; skips; the send attempt; for a resend, the most resends and when the next
-- one may come; the windows of each hit; health updates.
local ends, skips, attempt, terms = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local health_updates = 6 + #KEYS - 2

local text, state, expires_at = read(KEYS[1])
local full_limit_hit = limited(3, 6)

if health_updates <= #ARGV then
  learn(KEYS[2], health_updates)
end
if not text then
  return {'over', 'not_found'}
end
local _, references
text, _, references = with_ends(text, ends)

-- The send attempt was given up before this call arrived.
local given_up = attempt_of(text, attempt) and {'over', 'not_found'}

-- Returns why there is no send attempt, if so; and the record's words about resends if there is
-- one.
local function refusal()
  local verdict = over(state, expires_at)
  if verdict then
    return {'over', verdict}
  end
  if terms == '-' then
    return full_limit_hit or given_up
  end
  local guesses, max_guesses, resends, after =
    string.match(text, '^. (%d+) (%d+) %d+ (%d+) (%d+) ')
  if tonumber(guesses) >= tonumber(max_guesses) then
    return {'over', 'too_many_guesses'}
  end
  local most, next_after = string.match(terms, '^(%d+) (%d+)$')
  if tonumber(resends) >= tonumber(most) then
    return {'too_many'}
  end
  local wait = after - now
  if wait > 0 then
    return {'too_soon', wait}
  end
  return full_limit_hit or given_up, string.format('%0${resends.width}d %s', resends + 1, next_after)
end

-- The ends of the other send attempts are written all the same.
local refused, resends = refusal()
if refused then
  write_attempts(KEYS[1], text, skips)
  if references then
    write_references(references)
  end
  return refused
end
local place, line = 0, string.find(text, '\n', ${second_line}, true)
local following = next_attempt(text, line)
while following do
  place, line, following = place + 1, following, next_attempt(text, following)
end
text = replace(text, line, line, '\n' .. attempt)
if resends then
  text = replace(text, ${resends.at}, ${resend_after.after}, resends)
end
write_attempts(KEYS[1], text, skips)
if references then
  write_references(references)
end
hit_all(3, 6)
return {'attempt', place}
