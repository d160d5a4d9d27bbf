-- Rate-limit hits: the keys from `first` on, with two arguments each from `at` on: the longest time
-- among their windows, as a text, and the windows.

-- Returns whether a key is that of a recipient, which holds more than hits.
local function is_recipient(key)
  return string.byte(key, -1 - ${hash.width}) == ${byte.recipient}
end

-- Returns what keys from `from` on hold, by position; nothing for a long log.
local function held(from, first, at)
  local values, keys, places = {}, {}, {}
  for i = from, #KEYS do
    if i < first or string.byte(ARGV[at + 2 * (i - first) + 1]) == 0 or is_recipient(KEYS[i]) then
      keys[#keys + 1], places[#places + 1] = KEYS[i], i
    end
  end
  if #keys > 0 then
    for i, value in ipairs(redis.call('MGET', unpack(keys))) do
      values[places[i]] = value
    end
  end
  return values
end

-- Returns the answer if a hit has no room: the one with the longest wait, and of several the last.
-- `values[i + shift]` is what `KEYS[i]` holds. `answer` is that of a hit that is not among these keys,
-- whose place among all hits is `own`.
local function limited(values, shift, first, at, answer, own)
  for i = first, #KEYS do
    local log, argument = values[i + shift], at + 2 * (i - first)
    if log and is_recipient(KEYS[i]) then
      log = select(2, parts(log))
    end
    if log ~= false then
      local wait, which = full(KEYS[i], log, ARGV[argument + 1])
      local place = i - first
      if own and place >= own then
        place = place + 1
      end
      local most = answer and answer[4] or 0
      if wait and (wait > most or wait == most and place > answer[2]) then
        answer = {'limited', place, which, wait}
      end
    end
  end
  return answer
end

-- Counts all of them. The last one comes first: the first short value that a script writes is kept in a
-- buffer that Redis has left from a longer argument, and the last key is most often that of a provider,
-- of which there are few.
local function hit_all(values, shift, first, at)
  for i = #KEYS, first, -1 do
    local log, argument = values[i + shift], at + 2 * (i - first)
    if is_recipient(KEYS[i]) then
      local live, hits = parts(log)
      local text = packed(live) .. with_hit(hits, ARGV[argument + 1])
      redis.call('SET', KEYS[i], text, 'PX', longer(KEYS[i], ARGV[argument]))
    elseif log == false then
      redis.call('SET', KEYS[i], stamp, 'PX', ARGV[argument])
    else
      hit(KEYS[i], log, ARGV[argument + 1], ARGV[argument])
    end
  end
end
