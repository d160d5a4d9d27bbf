-- Replaces the part of a text from one position to before another.
local function replace(text, from, to, words)
  return string.sub(text, 1, from - 1) .. words .. string.sub(text, to)
end
