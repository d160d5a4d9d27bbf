-- The first argument of every script is the caller's time, as a record holds times: milliseconds since
-- 1970, in six bytes. Each script lists its other arguments. Arguments are few, because Redis builds a
-- string and a place in a table of each for every call: values that belong together are one argument.
-- Times to live that a script only passes on are texts, since Redis would format a number again.
local stamp = ARGV[1]
local now = struct.unpack('>I6', stamp)
