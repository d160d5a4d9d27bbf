-- The hits of one key, as sliding windows need them: a list of times, newest first, of as many hits
-- as the largest count among its windows.
--
-- Windows stay where they are among the arguments, and go by their place: how many they are, the
-- largest count, the longest time, then count and time of each.

local function take_windows()
  local place = taken + 1
  taken = taken + 3 + 2 * ARGV[place]
  return place
end

-- How long the window that keeps waiting the longest has no room, and which it is, from 0; and how
-- many hits there are.
--
-- A window of `count` in `per` has room when the hit that is `count` back is older than `per`.
local function full(key, windows)
  local wait, which
  local hits = redis.call('LLEN', key)
  if hits > 0 then
    for i = 0, ARGV[windows] - 1 do
      local count = tonumber(ARGV[windows + 3 + 2 * i])
      if count <= hits then
        local per = ARGV[windows + 4 + 2 * i]
        local left = redis.call('LINDEX', key, count - 1) + per - now
        if left > 0 and left >= (wait or 0) then
          wait, which = left, i
        end
      end
    end
  end
  return wait, which, hits
end

local function hit(key, windows)
  if ARGV[windows] == '0' then
    return
  end
  local most = tonumber(ARGV[windows + 1])
  if redis.call('LPUSH', key, ARGV[1]) > most then
    redis.call('LTRIM', key, 0, most - 1)
  end
  redis.call('PEXPIRE', key, ARGV[windows + 2])
end
