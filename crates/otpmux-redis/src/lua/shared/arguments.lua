-- The first argument of every script is the caller's time, in milliseconds since 1970. Each script
-- lists its other arguments. Arguments are few, because Redis builds a table of them for every
-- call: values that belong together are one argument, as words separated by one space. A missing
-- word is `-`. Times and counts that a script only passes on stay texts, since Redis would format a
-- number again.
local now = tonumber(ARGV[1])
