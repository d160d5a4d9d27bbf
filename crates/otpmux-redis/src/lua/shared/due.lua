-- The due set: the ids of the records at which a process must look, sorted by the time. The time is in
-- the record too, in a field that most records do not have: `watched` says whether.
local NEVER = '\0\0\0\0\0\0'

-- Makes the due set follow a record that is due at this time from now on. The set lives as long as its records,
-- and longer, so that few of them renew its time to live.
local function follow(key, due, kept)
  local set, id = string.sub(key, 1, -2 - ${id.width}) .. 'due', string.sub(key, -${id.width})
  if due == NEVER then
    redis.call('ZREM', set, id)
    return
  end
  redis.call('ZADD', set, (struct.unpack('>I6', due)), id)
  local left = kept or redis.call('PTTL', key)
  if redis.call('PTTL', set) < left then
    redis.call('PEXPIRE', set, 2 * left)
  end
end

-- Patches when a watched record is due: never after an approval, else when a process must look at its
-- end.
local function leave(key, text, approved)
  local first = field_after(text, ${fields.due})
  local _, after = struct.unpack('>c6c6', text, first)
  local due = approved and NEVER or after
  redis.call('SETRANGE', key, first - 1, due)
  follow(key, due)
end
