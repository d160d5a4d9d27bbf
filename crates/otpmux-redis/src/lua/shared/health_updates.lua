-- Returns the updates that have not expired, from what the key holds.
local function updates(text)
  local known, at = {}, 1
  while text and at <= #text do
    local _, time, update, after = update_at(text, at)
    if now < time + HEALTH_TTL then
      known[#known + 1] = update
    end
    at = after
  end
  return known
end
