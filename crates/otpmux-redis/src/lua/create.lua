-- KEYS: the record; the live one of its recipient and purpose; health; the request, where it has a
-- name; then one for each charge.
local id = text()
local kept = number()
local content = maybe()
local fields = {}
for i = 1, number() do
  fields[i] = text()
end
local charges = take_charges(content and 5 or 4)

local before = content and redis.call('GET', KEYS[4])
if before then
  local record, its_fields = read(record_key(before))
  local failed = record and record.state == 'closed' and not may_have_sent(record)
  if record and not failed then
    if record.content ~= content then
      return {'other_content'}
    end
    return {'before', before, its_fields}
  end
end

local answer = limited(charges)
if answer then
  return answer
end

local older = redis.call('GET', KEYS[2])
local older_record = older and read(record_key(older))
-- Only one that is live: a user of what has expired is told so.
local superseded = older_record and not over(older_record)
local known = marks(KEYS[3])

redis.call('SET', KEYS[2], id, 'PX', kept)
if content then
  redis.call('SET', KEYS[4], id, 'PX', kept)
end
if superseded then
  redis.call('HSET', record_key(older), 'state', 'closed')
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('PEXPIRE', KEYS[1], kept)
hit_all(charges)
return {'new', known}
