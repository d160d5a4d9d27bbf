-- KEYS: the record; or a reference, which holds the id of the record and the index of the send
-- attempt, separated by a space.
-- ARGV from 2: the index of the send attempt, nothing for a reference; the mark of its delivery, as
-- a number that is larger the stronger the mark is.
local key, place, mark = KEYS[1], ARGV[2], ARGV[3]
local reference = place == '-' and key

-- A receipt may come before the outcome of its send attempt: that step takes the mark.
local function gone()
  if reference then
    local known = early(reference)
    if known and tonumber(known) > tonumber(mark) then
      mark = known
    end
    local kept = '- ' .. mark .. string.format(' %d', now + EARLY_RECEIPT)
    redis.call('SET', reference, kept, 'PX', EARLY_RECEIPT)
  end
  return {'gone'}
end

if reference then
  local id, index = string.match(redis.call('GET', key) or '', '^(%x+) (%d+)$')
  if not id then
    return gone()
  end
  key = string.sub(key, 1, -1 - #'reference:' - ${hash.width}) .. 'verification:' .. id
  place = index
end

local text = read(key)
if not text then
  return gone()
end
local line = string.find(text, '\n', ${second_line}, true)
for _ = 1, place do
  line = next_attempt(text, line)
  if not line then
    return {'gone'}
  end
end
local changed, known = with_mark(text, line, mark)
if not changed then
  return {'gone'}
end
if not known then
  return {'same'}
end
redis.call('SET', key, changed, 'KEEPTTL')
return {'changed', string.sub(key, -${id.width}), tonumber(place), known, changed}
