-- Rate-limit hits: the keys from `first` on, with two arguments each from `at` on: the longest time
-- among their windows, as a text, and the windows.

-- Returns what keys from `from` on hold, by position; nothing for a long log.
local function held(from, first, at)
  local values, keys, places = {}, {}, {}
  for i = from, #KEYS do
    if i < first or string.byte(ARGV[at + 2 * (i - first) + 1]) == 0 then
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

-- Returns the answer if a hit has no room: the one with the longest wait. `values[i + shift]` is what
-- `KEYS[i]` holds.
local function limited(values, shift, first, at)
  local answer
  for i = first, #KEYS do
    local log = values[i + shift]
    if log ~= false then
      local place = i - first
      local wait, which = full(KEYS[i], log, ARGV[at + 2 * place + 1])
      if wait and wait >= (answer and answer[4] or 0) then
        answer = {'limited', place, which, wait}
      end
    end
  end
  return answer
end

local function hit_all(values, shift, first, at)
  for i = first, #KEYS do
    local log, place = values[i + shift], at + 2 * (i - first)
    if log == false then
      redis.call('SET', KEYS[i], stamp, 'PX', ARGV[place])
    else
      hit(KEYS[i], log, ARGV[place + 1], ARGV[place])
    end
  end
end
