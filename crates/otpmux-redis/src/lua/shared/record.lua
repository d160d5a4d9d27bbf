-- A record is a hash. Its legs are counted from 0. The first one is in the fields `leg:0` (what no
-- script looks into), `supplied:0` (0 or 1), `state:0`, and where there are any, `failure:0` and
-- `reference:0`.
--
-- Invariants of every script, so that one that fails has done nothing:
-- - It reads whatever it reads before it writes anything, so that what is not as it should be is
--   found in time.
-- - Its first write takes memory. When there is none left, Redis refuses that one, but none of those
--   that follow it.

local function record_key(id)
  return PREFIX .. 'verification:' .. id
end

local NUMBERS = {'expires_at', 'attempts', 'max_attempts', 'resends', 'resend_after', 'legs'}
local STATES = {pending = true, approved = true, closed = true}

-- A record, and its fields as Redis lists them; nil when there is none, or its time is over even
-- for being told so. An error when it lacks what scripts go by: a state that nobody has written must
-- not pass for one that lets in.
local function read(key)
  local fields = redis.call('HGETALL', key)
  if #fields == 0 then
    return nil
  end
  local record = {}
  for i = 1, #fields, 2 do
    record[fields[i]] = fields[i + 1]
  end
  for _, field in ipairs(NUMBERS) do
    record[field] = assert(tonumber(record[field]), 'a record without its ' .. field)
  end
  assert(STATES[record.state], 'a record in no known state')
  if now < record.expires_at + GRACE then
    return record, fields
  end
end

local function write(key, record, field, value)
  record[field] = value
  if value then
    redis.call('HSET', key, field, value)
  else
    redis.call('HDEL', key, field)
  end
end

-- Why no code is good for a record at this time, if none is.
local function over(record)
  if record.state == 'closed' then
    return 'not_found'
  end
  if record.state == 'approved' then
    return 'already_used'
  end
  if now >= record.expires_at then
    return 'expired'
  end
end

local function locked(record)
  return record.attempts >= record.max_attempts
end

-- Whether a leg may have sent a message: any, or one with (1) or without (0) the code of ours.
local function may_have_sent(record, supplied)
  for leg = 0, record.legs - 1 do
    local state = record['state:' .. leg]
    local out = state == 'intended' or state == 'accepted' or state == 'unknown'
    if out and (supplied == nil or supplied == record['supplied:' .. leg]) then
      return true
    end
  end
  return false
end

local function take_ends()
  local ends = {}
  for i = 1, number() do
    local leg = number()
    local state = text()
    local failure = maybe()
    ends[i] = {leg = leg, state = state, failure = failure, reference = maybe()}
  end
  return ends
end

-- How legs ended, and what was passed over since. No such leg is no error.
local function write_ends(key, record, ends, skips)
  for _, ended in ipairs(ends) do
    if ended.leg < record.legs then
      write(key, record, 'state:' .. ended.leg, ended.state)
      write(key, record, 'failure:' .. ended.leg, ended.failure)
      -- A reference stays until there is a newer one.
      if ended.reference then
        write(key, record, 'reference:' .. ended.leg, ended.reference)
      end
    end
  end
  if skips ~= '' then
    write(key, record, 'skips', (record.skips or '') .. skips)
  end
end
