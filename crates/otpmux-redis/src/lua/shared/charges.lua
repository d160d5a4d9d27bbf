-- Charges: the last keys, from one place on, each with its windows.

-- The windows of each.
local function take_charges(first)
  local charges = {}
  for i = first, #KEYS do
    charges[i] = take_windows()
  end
  return charges
end

-- The answer when a charge has no room: the one that keeps waiting the longest.
local function limited(first, charges)
  local answer
  for i = first, #KEYS do
    local wait, which = full(KEYS[i], charges[i])
    if wait and wait >= (answer and answer[4] or 0) then
      answer = {'limited', i - first, which, wait}
    end
  end
  return answer
end

local function hit_all(first, charges)
  for i = first, #KEYS do
    hit(KEYS[i], charges[i])
  end
end
