-- Returns the updates that have not expired.
local function updates(key)
  local known = {}
  for _, value in ipairs(redis.call('HVALS', key)) do
    local _, update = parts(value)
    known[#known + 1] = update
  end
  return known
end
