-- KEYS: the record; health; then one for each hit to remove.
-- ARGV from 2: the ends; the entries of skips; whether to close it (1 byte), and the time of each hit to
-- remove (6 bytes each); health updates, if there are any; `a` and the lost send attempt, or `c` and
-- for how long a lost creation stays forbidden, if a step was lost; and if a send ended without a
-- confirmation, the index of its last send attempt (2 bytes), and why.
local ends, skips, closing, lost, unconfirmed = ARGV[2], ARGV[3], ARGV[4], ARGV[6], ARGV[7]
local what = string.sub(lost, 1, 1)

local text, state = read(KEYS[1])
local first, references, marks, of_recipient, held, id, its_state, expires_at, due, closed
if text then
  text, first, references, marks = with_ends(text, ends)
  if what == 'a' then
    local begun
    text, begun = with_lost(text, string.sub(lost, 2))
    first = first or begun
  elseif ends == '' then
    first = true
  end
  text = text .. skips
  if string.byte(closing) == 1 and state ~= ${byte.approved} and not may_have_sent(text, '[IAUiau]') then
    closed = state ~= ${byte.closed}
    if closed and string.byte(text, ${watched.at}) == 1 then
      local _, after, steps = watch_of(text)
      due, text = after, with_watch(text, after, after, steps)
    end
    state = ${byte.closed}
    text = replace(text, ${state.at}, ${state.after}, 'c')
    of_recipient, held, id, its_state, expires_at = uncovered(text)
  end
elseif what == 'c' then
  redis.call('SET', KEYS[1], '-', 'PX', string.sub(lost, 2))
end

if ARGV[5] ~= '' then
  learn(KEYS[2], 5)
end
if not text then
  return 'c'
end
write(KEYS[1], text)
if due then
  follow(KEYS[1], due)
end
if references then
  write_references(references)
end
if string.byte(text, ${events.at}) == 1 then
  not_delivered_of(KEYS[1], text, marks)
  if closed then
    happened(KEYS[1], text, 'f', nil, 'not_sent')
  end
  if unconfirmed ~= '' then
    happened(KEYS[1], text, 'u', struct.unpack('>I2', unconfirmed), string.sub(unconfirmed, 3))
  end
end
if of_recipient then
  uncover(of_recipient, held, id, its_state, expires_at)
end
if first then
  for i = 3, #KEYS do
    take_back(KEYS[i], string.sub(closing, 2 + 6 * (i - 3), 1 + 6 * (i - 2)))
  end
end
return string.char(state)
