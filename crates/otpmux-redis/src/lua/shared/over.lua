-- Returns why no code is valid for a record at this time, if so.
local function over(state, expires_at)
  if state == ${byte.pending} then
    return now >= expires_at and 'expired' or nil
  end
  return state == ${byte.approved} and 'already_used' or 'not_found'
end
