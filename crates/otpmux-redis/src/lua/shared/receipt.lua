-- Marks of deliveries, and receipts that come before the reference that they name is known. The key of
-- a reference holds the id of a record and the index of a send attempt, or before that `-`, a mark and
-- until when it counts.

-- Returns a record's text with a mark merged into the send attempt after the line that ends here, and
-- the mark before; only the text if that one is as strong; nothing without such a send attempt.
local function with_mark(text, line, mark)
  local state, from, known, to = string.match(text, '^\n(%a)[01] %S+ %S+ %S+ ()(%S+)()', line)
  if not state then
    return nil
  end
  if known ~= '-' and tonumber(known) >= tonumber(mark) then
    return text
  end
  text = replace(text, from, to, mark)
  if state == 'i' or state == 'u' then
    text = replace(text, line + 1, line + 2, 'a')
  end
  return text, known
end

-- Returns the mark that the key of a reference holds, if it still counts.
local function early(key)
  local mark, ends_at = string.match(redis.call('GET', key) or '', '^%- (%d+) (%d+)$')
  if mark and now < tonumber(ends_at) then
    return mark
  end
end
