-- A record is one string of bytes, which a script reads at once and patches in place. All numbers are
-- big-endian; a time is milliseconds since 1970, in six bytes.
--
-- 1. The head, in which everything has a fixed position (`layout.rs` has them, and puts numbers in the
--    places of their names): version (1 byte), state (1), guesses (4), max_guesses (4), expires_at (6),
--    resends (4), resend_after (6), recipient (32), failed (1): whether an entry says why a send
--    attempt failed, watched (1): whether it has a field `due`, and events (1): whether it has a field
--    `events`.
-- 2. Twelve fields. A field is its length, as one byte, or 255 and four bytes, and so many bytes:
--      states       one letter for each send attempt, oldest first: the first letter of its state's
--                   word, upper case if the attempt carries otpmux's code
--      code         nothing without a code or after an approval; else the number of HMACs (2 or 3),
--                   by_id, by_recipient, by_external (16 each), and the id of their key
--      purpose      nothing for `default`
--      supersedes   an id of 16 bytes, or nothing
--      content, name    of the request, if it has an idempotency key
--      external     16 bytes, or nothing
--      code_length  one byte, or nothing
--      key, sealed  the encrypted part
--      due          when a process must look at it (6 bytes; zeros: never), what that becomes at its end
--                   (6), and the steps of escalation (1); or nothing
--      events       what every event of the record says, as a field, and for each endpoint its name and
--                   the letters of the types that it gets, as fields; or nothing
-- 3. Entries, in the order in which they happened. An entry is a letter and a field:
--      A  a send attempt: key (16 bytes), ends_at (6), and what only Rust reads
--      E  the end of a send attempt: its index (2 bytes); why it failed, its reference, and the terms of
--         a vendor's code, each as a field, empty if there is none. Of several the newest counts, but a
--         reference or terms remain until there are newer ones
--      D  the delivery of a send attempt: its index (2 bytes), and its mark as a number (6)
--      S  a skip
--
-- So a wrong guess, a cancellation and an acceptance are patches of the head and of `states`, and what is
-- added comes last. An approval writes the record without its code. `-` in place of a record forbids its creation.
--
-- Invariants of every script, so that a script that fails has changed nothing:
-- - It reads everything before it writes anything, so that an invalid value is found in time.
-- - Its first write needs memory. If none is left, Redis refuses that write, but none of the later
--   ones.
--
-- Most of a script's cost is calls of Redis, new functions and tables, and texts that it makes: common
-- paths have few of each. No script uses APPEND on a record, because Redis then doubles its memory.

-- Returns the positions of the first and the last byte of the field that begins here.
local function field(text, at)
  local length = string.byte(text, at) or error('a record that cannot be read')
  if length < ${field.long} then
    return at + 1, at + length
  end
  return at + 5, at + 4 + struct.unpack('>I4', text, at + 1)
end

-- Returns a record's text, its state and when it expires; nothing if there is none, or its
-- retention has passed: a delivery, whose id is odd, has none. An error if a part is invalid that
-- scripts depend on: an unknown state must not pass for one that approves.
local function read(key)
  local text = redis.call('GET', key)
  -- The record does not exist, or must not be created any more.
  if not text or text == '-' then
    return nil
  end
  local version, state = string.byte(text, ${version.at}, ${state.at})
  if version ~= ${version} then
    error('a record in a form that this version of otpmux does not know')
  end
  if #text <= ${events.at} or state ~= ${byte.pending} and state ~= ${byte.approved}
    and state ~= ${byte.superseded} and state ~= ${byte.closed} then
    error('a record that cannot be read')
  end
  local expires_at = struct.unpack('>I6', text, ${expires_at.at})
  if now < expires_at or now < expires_at + RETENTION and string.byte(key, -1) % 2 == 0 then
    return text, state, expires_at
  end
end
