-- The hits of one key, for sliding windows: a list of times, newest first, with as many hits as the
-- largest count among its windows.
--
-- Windows are one argument: the longest time and the largest count among them, then count and time
-- of each; `-` if there are none.

-- Returns the longest wait of a window without room, and the index of that window, from 0; and how
-- many hits there are.
--
-- A window of `count` in `per` has room when the hit that is `count` back is older than `per`.
local function full(key, windows)
  local wait, which
  local hits = redis.call('LLEN', key)
  if hits > 0 then
    local place = -1
    for count, per in string.gmatch(windows, '(%d+) (%d+)') do
      -- The first two words are not a window.
      if place >= 0 and tonumber(count) <= hits then
        local left = redis.call('LINDEX', key, count - 1) + per - now
        if left > 0 and left >= (wait or 0) then
          wait, which = left, place
        end
      end
      place = place + 1
    end
  end
  return wait, which, hits
end

local function hit(key, windows)
  if windows == '-' then
    return
  end
  local hits = redis.call('LPUSH', key, ARGV[1])
  if hits > 1 then
    local most = tonumber(string.match(windows, ' (%d+)'))
    if hits > most then
      redis.call('LTRIM', key, '0', most - 1)
    end
  end
  redis.call('PEXPIRE', key, string.match(windows, '^%d+'))
end
