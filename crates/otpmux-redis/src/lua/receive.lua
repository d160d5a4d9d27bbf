-- KEYS: the record; or a reference, which holds the id of the record and the index of the send
-- attempt.
-- ARGV from 2: the mark of the delivery, as a number that is larger the stronger the mark is (6 bytes);
-- the index of the send attempt (2 bytes), nothing for a reference.
local key, mark, place = KEYS[1], struct.unpack('>I6', ARGV[2]), nil
local reference = ARGV[3] == '' and key

-- A receipt may come before the outcome of its send attempt: that step takes the mark.
local function gone()
  if reference then
    local known = early(reference)
    if known and known > mark then
      mark = known
    end
    local kept = '-' .. struct.pack('>I6I6', mark, now + EARLY_RECEIPT)
    redis.call('SET', reference, kept, 'PX', EARLY_RECEIPT)
  end
  return 'gone'
end

if reference then
  local found = redis.call('GET', key)
  if not found or #found ~= ${found.width} then
    return gone()
  end
  key = string.sub(key, 1, -2 - ${hash.width}) .. 'v' .. string.sub(found, 1, ${id.width})
  place = struct.unpack('>I2', found, ${found.width} - 1)
else
  place = struct.unpack('>I2', ARGV[3])
end

local text = read(key)
if not text then
  return gone()
end
local changed, known = with_mark(text, place, mark)
if not changed then
  return 'gone'
end
if known == nil then
  return 'same'
end
write(key, changed)
if string.byte(text, ${events.at}) == 1 then
  not_delivered(key, text, place, known, mark)
end
return {'changed', string.sub(key, -${id.width}), place, known, changed}
