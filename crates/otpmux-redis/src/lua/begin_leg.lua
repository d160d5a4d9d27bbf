-- KEYS: the record; health; then one for each charge.
local news = take_news()
local ends = take_ends()
local skips = text()
local leg = text()
local max_resends = maybe()
local next_after = max_resends and text()
local charges = take_charges(3)

local record = read(KEYS[1])
local full_charge = limited(3, charges)

learn(KEYS[2], news)
if not record then
  return {'over', 'not_found'}
end
note_ends(record, ends)

local resends, resend_after = string.match(record.text, '^ (%d+) (%d+)', record.at.after_attempts)

-- Why there is no leg, if so. How the others ended is written down all the same.
local function refusal()
  local verdict = over(record)
  if verdict then
    return {'over', verdict}
  end
  if max_resends then
    if record.attempts >= record.max_attempts then
      return {'over', 'too_many_attempts'}
    end
    if tonumber(resends) >= tonumber(max_resends) then
      return {'too_many'}
    end
    local wait = resend_after - now
    if wait > 0 then
      return {'too_soon', wait}
    end
  end
  return full_charge
end

local refused = refusal()
if refused then
  write_legs(KEYS[1], record, skips)
  return refused
end
local _, place = string.gsub(record.legs, '\n', '')
record.legs = record.legs .. '\n' .. leg
write_legs(KEYS[1], record, skips, max_resends and ' ' .. resends + 1 .. ' ' .. next_after)
hit_all(3, charges)
return {'leg', place}
