-- Rate-limit hits: the keys from `first` on, with their windows among the arguments from `at` on.

-- Returns the answer if a hit has no room: the one with the longest wait.
local function limited(first, at)
  local answer
  for i = 0, #KEYS - first do
    local wait, which = full(KEYS[first + i], ARGV[at + i])
    if wait and wait >= (answer and answer[4] or 0) then
      answer = {'limited', i, which, wait}
    end
  end
  return answer
end

local function hit_all(first, at)
  for i = 0, #KEYS - first do
    hit(KEYS[first + i], ARGV[at + i])
  end
end
