-- KEYS: the record; or a reference, which holds the id of the record and the index of the send
-- attempt, separated by a space.
-- ARGV from 2: the index of the send attempt, nothing for a reference; the mark of its delivery, as
-- a number that is larger the stronger the mark is.
local key, place, mark = KEYS[1], ARGV[2], ARGV[3]
if place == '-' then
  local found = redis.call('GET', key)
  if not found then
    return {'gone'}
  end
  local id, index = string.match(found, '^(%x+) (%d+)$')
  key = string.sub(key, 1, -1 - #'reference:' - ${hash.width}) .. 'verification:' .. id
  place = index
end

local text = read(key)
if not text then
  return {'gone'}
end
local line = string.find(text, '\n', ${second_line}, true)
for _ = 1, place do
  line = next_attempt(text, line)
  if not line then
    return {'gone'}
  end
end
local state, from, known, to = string.match(text, '^\n(%a)[01] %S+ %S+ %S+ ()(%S+)()', line)
if not state then
  return {'gone'}
end
if known ~= '-' and tonumber(known) >= tonumber(mark) then
  return {'same'}
end
text = replace(text, from, to, mark)
if state == 'i' or state == 'u' then
  text = replace(text, line + 1, line + 2, 'a')
end
redis.call('SET', key, text, 'KEEPTTL')
return {'changed', string.sub(key, -${id.width}), tonumber(place), known, text}
