-- The marks that count.
local function marks(key)
  local known = {}
  for _, value in ipairs(redis.call('HVALS', key)) do
    local _, mark = parts(value)
    known[#known + 1] = mark
  end
  return known
end
