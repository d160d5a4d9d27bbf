-- Why no code is good for a record at this time, if none is.
local function over(record)
  if record.state == 'p' then
    return now >= record.expires_at and 'expired' or nil
  end
  return record.state == 'a' and 'already_used' or 'not_found'
end
