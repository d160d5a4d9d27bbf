-- KEYS: the record; health; then one for each hit.
-- ARGV from 2: the ends; the entries of skips; the send attempt; for a resend, the most resends (4
-- bytes) and when the next one may come (6), and for a step of escalation, the step (1) and when the next
-- one is due (6; zeros: never); health updates, if there are any; what events say from now on, or nothing;
-- then the hits.
local ends, skips, attempt, terms, says = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[7]
local step = #terms % ${resend.width} == 7 and string.sub(terms, -7)

local text, state, expires_at = read(KEYS[1])
local logs = held(3, 3, 8)
local full_limit_hit = limited(logs, 0, 3, 8)

if ARGV[6] ~= '' then
  learn(KEYS[2], 6)
end
if not text then
  return {'over', 'not_found'}
end
local _, references, marks
text, _, references, marks = with_ends(text, ends)
text = text .. skips

-- The send attempt was given up before this call arrived.
local given_up = attempt_of(text, attempt) and {'over', 'not_found'}

-- Returns why there is no send attempt, if so; and the record's bytes about resends if there is one.
local function refusal()
  local verdict = over(state, expires_at)
  if verdict then
    return {'over', verdict}
  end
  if step then
    local _, _, steps = watch_of(text)
    local guesses, resends = struct.unpack('>I4', text, ${guesses.at}), struct.unpack('>I4', text, ${resends.at})
    if string.byte(step) ~= steps or guesses > 0 or resends > 0 then
      return 'not_due'
    end
  end
  if #terms < ${resend.width} then
    return full_limit_hit or given_up
  end
  local guesses, max_guesses = struct.unpack('>I4I4', text, ${guesses.at})
  if guesses >= max_guesses then
    return {'over', 'too_many_guesses'}
  end
  local resends, after = struct.unpack('>I4I6', text, ${resends.at})
  if resends >= struct.unpack('>I4', terms) then
    return 'too_many'
  end
  if after > now then
    return {'too_soon', after - now}
  end
  return full_limit_hit or given_up, struct.pack('>I4', resends + 1) .. string.sub(terms, 5, ${resend.width})
end

-- The ends of the other send attempts are written all the same.
local refused, resends = refusal()
local place, due
if not refused then
  text, place = with_attempt(text, attempt)
  if resends then
    text = replace(text, ${resends.at}, ${resend_after.after}, resends)
  end
  if says ~= '' and string.byte(text, ${events.at}) == 1 then
    local _, before = field_after(text, ${fields.due})
    local first, last = field(text, before + 1)
    local _, said = field(text, first)
    text = replace(text, before + 1, last + 1, packed(packed(says) .. string.sub(text, said + 1, last)))
  end
  if step or resends and string.byte(text, ${watched.at}) == 1 then
    local _, after, steps = watch_of(text)
    local following = step and string.sub(step, 2) or NEVER
    due = following == NEVER and after or following
    text = with_watch(text, due, after, step and steps + 1 or steps)
  end
end
write(KEYS[1], text)
if due then
  follow(KEYS[1], due)
end
if references then
  write_references(references)
end
if marks and string.byte(text, ${events.at}) == 1 then
  not_delivered_of(KEYS[1], text, marks)
end
if refused then
  return refused
end
hit_all(logs, 0, 3, 8)
return {'attempt', place}
