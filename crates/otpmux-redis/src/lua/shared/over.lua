-- Why no code is good for a record at this time, if none is.
local function over(state, expires_at)
  if state == 'p' then
    return now >= expires_at and 'expired' or nil
  end
  return state == 'a' and 'already_used' or 'not_found'
end
