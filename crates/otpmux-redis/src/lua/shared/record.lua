-- A record is one text, so that a script reads and writes it at once:
--
--   state guesses max_guesses expires_at resends resend_after recipient
--   content purpose supersedes code_key code_by_id code_by_recipient code_by_external external, and
--     words that only Rust reads
--   one line for each send attempt, oldest first: its state and whether it carries otpmux's code (0 or 1),
--     why it failed, its reference, what is known of a vendor's code, the delivery of its message, and
--     what no script reads
--   an empty line
--   one line for each skip
--   an empty line, and the encrypted part
--
-- Words are separated by one space. States are the first letters of their words. In the first line
-- every word has a fixed position, where it is read and written. `layout.rs` has the positions, and
-- puts numbers in the places of their names. A missing word is `-`; a text is `=` and the text, with
-- spaces as %20.
--
-- Invariants of every script, so that a script that fails has changed nothing:
-- - It reads everything before it writes anything, so that an invalid value is found in time.
-- - Its first write needs memory. If none is left, Redis refuses that write, but none of the later
--   ones.
--
-- Most of a script's cost is calls of Redis, new functions and tables, and every byte of a text
-- that it reads or makes, since Lua hashes them all: common paths have few of each.

-- Returns a record's text, its state and when it expires; nothing if there is none, or its
-- retention has passed: a delivery, whose id is odd, has none. An error if a word is invalid that scripts depend on: an unknown state must
-- not pass for one that approves.
local function read(key)
  local text = redis.call('GET', key)
  -- The record does not exist, or must not be created any more.
  if not text or text == '-' then
    return nil
  end
  local state, expires_at = string.match(text, '^([pasc]) %d+ %d+ (%d+) %d')
  assert(state and string.byte(text, ${recipient.after}) == ${byte.line_end} and string.find(text, '\n\n', ${second_line}, true),
    'a record that cannot be read')
  expires_at = tonumber(expires_at)
  if now < expires_at or now < expires_at + RETENTION and not string.find(key, '[13579bdf]$') then
    return text, state, expires_at
  end
end
