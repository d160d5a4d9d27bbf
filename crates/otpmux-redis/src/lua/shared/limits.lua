-- The hits of one key, as sliding windows need them: a list of times, newest first, of as many hits
-- as the largest count among its windows.

local function take_windows()
  local windows = {most = 1, longest = 0}
  for i = 1, number() do
    local count = number()
    local per = number()
    windows[i] = {count = count, per = per}
    windows.most = math.max(windows.most, count)
    windows.longest = math.max(windows.longest, per)
  end
  return windows
end

-- The charges, whose keys are the last ones, from this place on.
local function take_charges(first)
  local charges = {}
  for i = first, #KEYS do
    charges[#charges + 1] = {key = KEYS[i], windows = take_windows()}
  end
  return charges
end

-- How long the window that keeps waiting the longest has no room, and its place from 0.
--
-- A window of `count` in `per` has room when the hit that is `count` back is older than `per`.
local function full(key, windows)
  local wait, place
  for i, window in ipairs(windows) do
    local hit = redis.call('LINDEX', key, window.count - 1)
    local left = hit and hit + window.per - now or 0
    if left > 0 and left >= (wait or 0) then
      wait, place = left, i - 1
    end
  end
  return wait, place
end

-- The answer when a charge has no room: the one that keeps waiting the longest.
local function limited(charges)
  local answer
  for i, charge in ipairs(charges) do
    local wait, place = full(charge.key, charge.windows)
    if wait and wait >= (answer and answer[4] or 0) then
      answer = {'limited', i - 1, place, wait}
    end
  end
  return answer
end

local function hit(key, windows)
  if #windows > 0 then
    redis.call('LPUSH', key, now)
    redis.call('LTRIM', key, 0, windows.most - 1)
    redis.call('PEXPIRE', key, windows.longest)
  end
end

local function hit_all(charges)
  for _, charge in ipairs(charges) do
    hit(charge.key, charge.windows)
  end
end

-- The hits of a record's recipient: a limit's key goes by the first 128 bits of the hash.
local function recipients_key(scope, record)
  return PREFIX .. 'limit:' .. scope .. ':' .. string.sub(record.recipient, 1, 32)
end
