-- KEYS: the record; health; then one for each charge.
local news = take_news()
local ends = take_ends()
local skips = text()
local leg = text()
local supplied = text()
local state = text()
local failure = maybe()
local reference = maybe()
local max_resends = maybe()
local next_after = max_resends and text()
local charges = take_charges(3)

local record = read(KEYS[1])
local full_charge = limited(charges)

learn(KEYS[2], news)
if not record then
  return {'over', 'not_found'}
end
write_ends(KEYS[1], record, ends, skips)
local verdict = over(record)
if verdict then
  return {'over', verdict}
end
if max_resends then
  if locked(record) then
    return {'over', 'too_many_attempts'}
  end
  if record.resends >= tonumber(max_resends) then
    return {'too_many'}
  end
  local wait = record.resend_after - now
  if wait > 0 then
    return {'too_soon', wait}
  end
end
if full_charge then
  return full_charge
end

if max_resends then
  redis.call('HINCRBY', KEYS[1], 'resends', 1)
  write(KEYS[1], record, 'resend_after', next_after)
end
local place = record.legs
write(KEYS[1], record, 'leg:' .. place, leg)
write(KEYS[1], record, 'supplied:' .. place, supplied)
write(KEYS[1], record, 'state:' .. place, state)
write(KEYS[1], record, 'failure:' .. place, failure)
write(KEYS[1], record, 'reference:' .. place, reference)
redis.call('HINCRBY', KEYS[1], 'legs', 1)
hit_all(charges)
return {'leg', place}
