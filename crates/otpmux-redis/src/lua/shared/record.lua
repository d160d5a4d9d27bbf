-- A record is one text, so that a script reads it, and writes it, in one go:
--
--   state attempts resends resend_after
--   max_attempts expires_at recipient content purpose code_key code_mac, and words for Rust alone
--   one line for each leg, oldest first: its state and whether it carries the code of ours (0 or 1),
--     why it failed, its reference, and what no script looks into
--   an empty line
--   one line for each skip
--   an empty line, and what is encrypted
--
-- Words are apart by one space. States are the first letters of their words. Attempts have ten digits,
-- so that they and the state can be written where they are. What is missing is `-`; a text is `=`
-- and the text, whose spaces stand as %20.
--
-- Invariants of every script, so that one that fails has done nothing:
-- - It reads whatever it reads before it writes anything, so that what is not as it should be is
--   found in time.
-- - Its first write takes memory. When there is none left, Redis refuses that one, but none of those
--   that follow it.

local function record_key(id)
  return prefix() .. 'verification:' .. id
end

-- A record; nil when there is none, or its time is over even for being told so. An error when it
-- lacks what scripts go by: a state that nobody has written must not pass for one that lets in.
local function read(key)
  local text = redis.call('GET', key)
  if not text then
    return nil
  end
  -- Patterns go through a text byte by byte; plain searches do not.
  local state, attempts, after_attempts, max_attempts, expires_at, recipient =
    string.match(text, '^([pac]) (%d%d%d%d%d%d%d%d%d%d)() %d+ %d+\n(%d+) (%d+) ()%x')
  local legs = state and string.find(text, '\n', recipient, true)
  local after_legs = legs and string.find(text, '\n\n', legs, true)
  assert(after_legs, 'a record that cannot be read')
  expires_at = tonumber(expires_at)
  if now < expires_at + GRACE then
    return {
      text = text,
      state = state,
      attempts = attempts,
      max_attempts = max_attempts,
      expires_at = expires_at,
      -- Each line with the line end before it.
      legs = string.sub(text, legs, after_legs - 1),
      -- Where its parts begin.
      after_attempts_at = after_attempts,
      recipient_at = recipient,
      legs_at = legs,
      after_legs_at = after_legs,
    }
  end
end

-- Writes a record's state and attempts. Its key keeps its time to live here and whenever it is
-- written.
local function write_standing(key, record)
  redis.call('SETRANGE', key, '0', record.state .. ' ' .. record.attempts)
end

-- Why no code is good for a record at this time, if none is.
local function over(record)
  if record.state == 'p' then
    return now >= record.expires_at and 'expired' or nil
  end
  return record.state == 'a' and 'already_used' or 'not_found'
end

-- Whether a leg may have sent a message (it is intended, accepted or unknown): any, or one with (1) or
-- without (0) the code of ours.
local function may_have_sent(record, supplied)
  return string.find(record.legs, '\n[iau]' .. (supplied or '[01]')) ~= nil
end

-- The key of a limit of the record's recipient, which goes by the first 128 bits of the hash.
local function recipients_key(scope, record)
  local at = record.recipient_at
  return prefix() .. 'limit:' .. scope .. ':' .. string.sub(record.text, at, at + 31)
end
