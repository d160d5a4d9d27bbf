-- The key of a recipient holds two things that every send reads: as one field the newest verification
-- of each purpose, and then the hits of the limit of messages to the recipient, as any log.
--
-- Of each purpose the field has: an id (16 bytes), until when that record is kept, in seconds (4), and
-- the purpose, as a field (nothing for `default`).

-- Returns both parts of what the key holds.
local function parts(held)
  if not held then
    return '', ''
  end
  local first, last = field(held, 1)
  return string.sub(held, first, last), string.sub(held, last + 1)
end

-- Returns the id of the newest verification of this purpose, which is a field; and the part without it
-- and without those that are kept no longer.
local function newest_of(live, purpose)
  local id, others, at = nil, '', 1
  while at <= #live do
    local _, last = field(live, at + ${live.purpose})
    if string.sub(live, at + ${live.purpose}, last) == purpose then
      id = string.sub(live, at, at + ${id.width} - 1)
    elseif struct.unpack('>I4', live, at + ${id.width}) * 1000 > now then
      others = others .. string.sub(live, at, last)
    end
    at = last + 1
  end
  return id, others
end

-- Returns a time to live that is not shorter than this key's.
local function longer(key, time)
  return math.max(redis.call('PTTL', key), tonumber(time))
end
