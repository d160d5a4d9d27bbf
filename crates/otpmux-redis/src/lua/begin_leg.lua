-- KEYS: the record; health; then one for each charge.
-- ARGV from 2: skips; the leg; for a resend, how many there may be and when the next one; the number
-- of ends, and the ends; the windows of each charge; news.
local skips, leg, terms = ARGV[2], ARGV[3], ARGV[4]
local charges = 6 + ARGV[5]
local news = charges + #KEYS - 2

local record = read(KEYS[1])
local full_charge = limited(3, charges)

if news <= #ARGV then
  learn(KEYS[2], news)
end
if not record then
  return {'over', 'not_found'}
end
note_ends(record, 5)

-- Why there is no leg, if so; and what the record says of resends when there is one.
local function refusal()
  local verdict = over(record)
  if verdict then
    return {'over', verdict}
  end
  if terms == '-' then
    return full_charge
  end
  local attempts, max_attempts, resends, after =
    string.match(record.text, '^. (%d+) (%d+) %d+ (%d+) (%d+) ')
  if tonumber(attempts) >= tonumber(max_attempts) then
    return {'over', 'too_many_attempts'}
  end
  local most, next_after = string.match(terms, '^(%d+) (%d+)$')
  if tonumber(resends) >= tonumber(most) then
    return {'too_many'}
  end
  local wait = after - now
  if wait > 0 then
    return {'too_soon', wait}
  end
  return full_charge, string.format('%010d %s', resends + 1, next_after)
end

-- How the others ended is written down all the same.
local refused, resends = refusal()
if refused then
  write_legs(KEYS[1], record, skips)
  return refused
end
local place, line = 0, record.legs_at
while line < record.after_legs_at do
  place, line = place + 1, string.find(record.text, '\n', line + 1, true)
end
replace(record, line, line, '\n' .. leg)
if resends then
  replace(record, 39, 63, resends)
end
write_legs(KEYS[1], record, skips)
hit_all(3, charges)
return {'leg', place}
