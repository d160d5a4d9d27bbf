-- The hits of one key, for sliding windows: a string with the time of each hit in six bytes, oldest
-- first, with as many hits as the largest count among its windows (twice as many for a long log).
--
-- Windows are one argument: whether the log is long (1 byte), the largest count (4), the longest time
-- (6), then count (4) and time (6) of each; nothing if there are none. A long log, with a count of more
-- than ${log.short}, is never read whole by a hit: it is appended to, and cut when it is twice as long as needed.

-- Returns the longest wait of a window without room, and the index of that window, from 0. `log` is
-- what the key holds; nothing for a long one.
--
-- A window of `count` in `per` has room when the hit that is `count` back is older than `per`.
local function full(key, log, windows)
  local wait, which
  local length = log and #log or redis.call('STRLEN', key)
  if length > 0 then
    for place = 0, (#windows - ${windows.width}) / ${window.width} - 1 do
      local count, per = struct.unpack('>I4I6', windows, ${windows.after} + ${window.width} * place)
      local at = length - 6 * count
      if at >= 0 then
        local hit = log and struct.unpack('>I6', log, at + 1)
          or struct.unpack('>I6', redis.call('GETRANGE', key, at, at + 5))
        local left = hit + per - now
        if left > 0 and left >= (wait or 0) then
          wait, which = left, place
        end
      end
    end
  end
  return wait, which
end

-- Returns a log with one hit more.
local function with_hit(log, windows)
  local older = 6 * (struct.unpack('>I4', windows, 2) - 1)
  if #log > older then
    log = string.sub(log, #log - older + 1)
  end
  return log .. stamp
end

-- Counts a hit. `log` is what the key holds, `false` if there is none, and nothing for a long one;
-- `longest` is the longest time.
local function hit(key, log, windows, longest)
  if log ~= nil then
    redis.call('SET', key, with_hit(log or '', windows), 'PX', longest)
  else
    local most = struct.unpack('>I4', windows, 2)
    if redis.call('APPEND', key, stamp) >= 12 * most then
      redis.call('SET', key, redis.call('GETRANGE', key, -6 * most, -1))
    end
    redis.call('PEXPIRE', key, longest)
  end
end
