-- A record is one text, so that a script reads it, and writes it, in one go:
--
--   state guesses max_guesses expires_at resends resend_after recipient
--   content purpose supersedes code_key code_mac, and words for Rust alone
--   one line for each send attempt, oldest first: its state and whether it carries otpmux's code (0 or 1),
--     why it failed, its reference, what is known of a vendor's code, and what no script looks into
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
-- What a script costs is mostly calls of Redis, functions and tables made anew, and every byte of a
-- text that it gets or makes, since Lua hashes them all: common paths have few of each.

-- A record's text, its state and when it expires; nothing when there is none, or its time is over even
-- for being told so. An error when it lacks what scripts go by: a state that nobody has written must
-- not pass for one that lets in.
local function read(key)
  local text = redis.call('GET', key)
  -- One that is not there, or is not created any more.
  if not text or text == '-' then
    return nil
  end
  local state, expires_at = string.match(text, '^([pasc]) %d+ %d+ (%d+) %d')
  assert(state and string.byte(text, 128) == 10 and string.find(text, '\n\n', 129, true),
    'a record that cannot be read')
  expires_at = tonumber(expires_at)
  if now < expires_at + RETENTION then
    return text, state, expires_at
  end
end
