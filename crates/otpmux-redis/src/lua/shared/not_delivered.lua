-- Writes the event of a mark that changed what is known of a message from `known`, if it certainly did not
-- arrive.
local function not_delivered(key, text, place, known, mark)
  local kind, before = math.floor(mark / 1e13), known and math.floor(known / 1e13)
  local has_failed = before == ${mark.expired} or before == ${mark.failed}
  if not has_failed and (kind == ${mark.expired} or kind == ${mark.failed}) then
    happened(key, text, 'd', place, kind == ${mark.expired} and 'expired' or 'failed')
  end
end

-- The same for all of these marks, as `with_ends` returns them.
local function not_delivered_of(key, text, marks)
  for _, it in ipairs(marks or {}) do
    not_delivered(key, text, it[1], it[2], it[3])
  end
end
