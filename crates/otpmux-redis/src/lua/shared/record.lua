-- A record is one text, so that a script reads it, and writes it, in one go:
--
--   state attempts max_attempts expires_at resends resend_after recipient
--   content purpose code_key code_mac, and words for Rust alone
--   one line for each leg, oldest first: its state and whether it carries the code of ours (0 or 1),
--     why it failed, its reference, and what no script looks into
--   an empty line
--   one line for each skip
--   an empty line, and what is encrypted
--
-- Words are apart by one space. States are the first letters of their words. In the first line all has
-- its place, where it is read and written: numbers have ten digits, times 13, the recipient 64, so the
-- words begin at 1, 3, 14, 25, 39, 50 and 64, and the second line at 129. What is missing is `-`; a
-- text is `=` and the text, whose spaces stand as %20.
--
-- Invariants of every script, so that one that fails has done nothing:
-- - It reads whatever it reads before it writes anything, so that what is not as it should be is
--   found in time.
-- - Its first write takes memory. When there is none left, Redis refuses that one, but none of those
--   that follow it.
--
-- What a script costs is mostly calls of Redis, functions made anew, and texts to be collected:
-- common paths have few of each, and no patterns that go through a long text byte by byte.

-- A record; nil when there is none, or its time is over even for being told so. An error when it
-- lacks what scripts go by: a state that nobody has written must not pass for one that lets in.
local function read(key)
  local text = redis.call('GET', key)
  if not text then
    return nil
  end
  local legs = string.find(text, '^[pac] %d%d%d%d%d%d%d%d%d%d %d%d%d%d%d%d%d%d%d%d %d')
    and string.sub(text, 128, 128) == '\n'
    and string.find(text, '\n', 129, true)
  local after_legs = legs and string.find(text, '\n\n', legs, true)
  local expires_at = after_legs and tonumber(string.sub(text, 25, 37))
  assert(expires_at, 'a record that cannot be read')
  if now < expires_at + GRACE then
    return {
      text = text,
      state = string.sub(text, 1, 1),
      expires_at = expires_at,
      -- The line ends before the first leg and after the last, which are one when there is no leg.
      legs_at = legs,
      after_legs_at = after_legs,
    }
  end
end
